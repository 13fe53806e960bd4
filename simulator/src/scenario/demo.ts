import * as v from 'valibot'
import { scenarioSchema, type Scenario } from './schema.ts'

/** The small factory that `npm start` shows: 28 devices of 3 kinds on 2 sites, with one thing going wrong to look at. */
export function demoScenario(seed = 42): Scenario {
  return v.parse(scenarioSchema, {
    version: 1,
    name: 'demo-factory',
    seed,
    fleets: {
      'pumps-1': { profile: 'pump', site: 'plant-1', count: 8, id: 'pump-{index}' },
      'pumps-2': { profile: 'pump', site: 'plant-2', count: 4, id: 'pump-{index}', first: 9 },
      'compressors-1': {
        profile: 'compressor',
        site: 'plant-1',
        count: 4,
        id: 'compressor-{index}',
      },
      'compressors-2': {
        profile: 'compressor',
        site: 'plant-2',
        count: 2,
        id: 'compressor-{index}',
        first: 5,
      },
      'climate-1': { profile: 'climate', site: 'plant-1', count: 6, id: 'climate-{index}' },
      'climate-2': {
        profile: 'climate',
        site: 'plant-2',
        count: 4,
        id: 'climate-{index}',
        first: 7,
      },
    },
    faults: [
      {
        at: '45s',
        kind: 'drift',
        device: 'pump-7',
        channel: 'vibration',
        duration: '20m',
        magnitude: 3.2,
      },
      { at: '90s', kind: 'blackout', device: 'climate-5', duration: '40s' },
    ],
  } satisfies v.InferInput<typeof scenarioSchema>)
}
