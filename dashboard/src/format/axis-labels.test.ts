import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AXIS_LABEL_ROOM } from '../chart/axes.ts'
import { calmBounds, valueTicks } from '../chart/scales.ts'
import { axisLabels, type AxisLabels } from './axis-labels.ts'
import { leastSpan, styleOf } from './numbers.ts'

function labelsFor(values: readonly number[], unit = ''): AxisLabels {
  const data = { min: Math.min(...values), max: Math.max(...values) }
  const bounds = calmBounds(data, undefined, leastSpan(styleOf(values)))
  return axisLabels(valueTicks(bounds), { step: bounds.step, unit, room: AXIS_LABEL_ROOM })
}

describe('the labels of a value axis', () => {
  it.each<[string, number[], string, AxisLabels]>([
    ['plain', [20, 22], '°C', { labels: ['15', '20', '25'], note: '' }],
    ['small (D09)', [0.0004, 0.0016], '', { labels: ['0.0000', '0.0005'], note: '' }],
    ['in milliamperes (D09)', [3e-6, 9e-6], 'A', { labels: ['0', '5', '10'], note: 'µA' }],
    ['in a power of ten (D09)', [3e-6, 9e-6], '', { labels: ['0', '5', '10'], note: '×10⁻⁶' }],
    ['large (DDB-10)', [0, 12e6], 'Wh', { labels: ['0', '5'], note: 'MWh' }],
    [
      'from an offset (DDB-10)',
      [867_700_000, 867_700_004],
      'Hz',
      { labels: ['+0', '+5', '+10'], note: '+ 867,699,995' },
    ],
    [
      'a latitude (DDB-10)',
      [52.12345, 52.12348],
      '',
      { labels: ['+0', '+5', '+10'], note: '×10⁻⁵ + 52.12340' },
    ],
  ])('say every digit: %s', (_name, values, unit, expected) => {
    const { labels, note } = labelsFor(values, unit)
    expect({ labels: labels.slice(0, expected.labels.length), note }).toEqual(expected)
  })

  it('are never alike and never longer than their room, for any two doubles', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (a, b) => {
          const { labels } = labelsFor([a, b])
          expect(labels.length).toBeGreaterThan(1)
          expect(new Set(labels).size).toBe(labels.length)
          for (const label of labels) expect(label.length).toBeLessThanOrEqual(AXIS_LABEL_ROOM)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('are never alike near a large or small value with small steps', () => {
    const around = fc.tuple(
      fc.double({ noNaN: true, min: -1e15, max: 1e15 }),
      fc.integer({ min: -12, max: 12 }),
    )
    fc.assert(
      fc.property(around, ([value, power]) => {
        const { labels } = labelsFor([value, value + 10 ** power])
        expect(new Set(labels).size).toBe(labels.length)
        for (const label of labels) expect(label.length).toBeLessThanOrEqual(AXIS_LABEL_ROOM)
      }),
      { numRuns: 2_000 },
    )
  })
})
