import type { Profile } from './profile.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const motor = {
  initial: 'running',
  states: {
    running: { medianMs: 25 * minute, sigma: 0.5, next: { idle: 1 } },
    idle: { medianMs: 70 * second, sigma: 0.5, next: { running: 1 } },
  },
} as const

/** A centrifugal pump: speed drives flow, pressure, current and vibration; the motor warms up behind the current. */
const pump: Profile = {
  states: motor,
  channels: {
    speed: {
      base: { running: 2_950, idle: 0 },
      lagMs: 4 * second,
      ou: [{ tauMs: 40 * second, sd: 8 }],
      spread: 25,
      quantum: 1,
      range: [0, 3_600],
    },
    flow: {
      base: 0,
      from: [{ channel: 'speed', gain: 0.0143 }],
      ou: [
        { tauMs: 8 * minute, sd: 0.9 },
        { tauMs: 20 * second, sd: 0.35 },
      ],
      noise: 0.05,
      quantum: 0.1,
      range: [0, 90],
    },
    pressure: {
      base: 0.4,
      from: [{ channel: 'speed', gain: 4.6e-7, power: 2 }],
      ou: [{ tauMs: 3 * minute, sd: 0.06 }],
      noise: 0.01,
      quantum: 0.01,
      range: [0, 12],
    },
    current: {
      base: 0.2,
      from: [
        { channel: 'speed', gain: 0.003 },
        { channel: 'flow', gain: 0.06 },
      ],
      ou: [{ tauMs: 25 * second, sd: 0.12 }],
      noise: 0.03,
      quantum: 0.01,
      range: [0, 40],
    },
    temperature: {
      base: 24,
      spread: 1.2,
      season: [{ periodMs: day, amplitude: 1.6, peakMs: 15 * hour }],
      from: [{ channel: 'current', gain: 2.4, lagMs: 12 * minute }],
      ou: [
        { tauMs: 30 * hour, sd: 1.8, scope: 'site' },
        { tauMs: 30 * minute, sd: 0.45 },
      ],
      noise: 0.03,
      quantum: 0.1,
      range: [-20, 140],
    },
    vibration: {
      base: 0.15,
      from: [{ channel: 'speed', gain: 2.2e-7, power: 2 }],
      ou: [
        { tauMs: 15 * minute, sd: 0.12 },
        { tauMs: 6 * second, sd: 0.1 },
      ],
      noise: 0.03,
      quantum: 0.01,
      range: [0, 30],
    },
  },
}

/** A screw compressor: loads and unloads, its power follows, energy only ever grows. */
const compressor: Profile = {
  states: {
    initial: 'loaded',
    states: {
      loaded: { medianMs: 95 * second, sigma: 0.35, next: { unloaded: 1 } },
      unloaded: { medianMs: 40 * second, sigma: 0.4, next: { loaded: 0.96, off: 0.04 } },
      off: { medianMs: 4 * minute, sigma: 0.4, next: { loaded: 1 } },
    },
  },
  channels: {
    power: {
      base: { loaded: 37.2, unloaded: 11.6, off: 0.3 },
      lagMs: 1_500,
      ou: [{ tauMs: 30 * second, sd: 0.45 }],
      spread: 0.9,
      noise: 0.08,
      quantum: 0.01,
      range: [0, 60],
    },
    pressure: {
      base: { loaded: 8.1, unloaded: 7.2, off: 6.6 },
      lagMs: 35 * second,
      ou: [{ tauMs: 90 * second, sd: 0.05 }],
      noise: 0.01,
      quantum: 0.01,
      range: [0, 12],
    },
    temperature: {
      base: 46,
      spread: 1.5,
      from: [{ channel: 'power', gain: 0.95, lagMs: 7 * minute }],
      ou: [
        { tauMs: 26 * hour, sd: 1.5, scope: 'site' },
        { tauMs: 20 * minute, sd: 0.5 },
      ],
      noise: 0.03,
      quantum: 0.1,
      range: [-10, 130],
    },
    energy: { base: 0, integrates: 'power', quantum: 0.01, range: [0, 1e9] },
  },
}

/** A climate sensor of a hall: weather shared by the site, people by the clock, humidity against temperature. */
const climate: Profile = {
  channels: {
    temperature: {
      base: 21.4,
      spread: 0.7,
      season: [
        { periodMs: day, amplitude: 1.55, peakMs: 15 * hour },
        { periodMs: day / 2, amplitude: 0.45, peakMs: 9 * hour },
      ],
      ou: [
        { tauMs: 120 * hour, sd: 2.4, scope: 'site' },
        { tauMs: 3 * hour, sd: 0.6 },
        { tauMs: 4 * minute, sd: 0.12 },
      ],
      noise: 0.04,
      spikes: { probability: 0.0004, sd: 1.4 },
      quantum: 0.1,
      range: [-30, 60],
    },
    humidity: {
      base: 92,
      from: [{ channel: 'temperature', gain: -2.1 }],
      ou: [
        { tauMs: 40 * hour, sd: 4, scope: 'site' },
        { tauMs: 25 * minute, sd: 0.9 },
      ],
      noise: 0.1,
      quantum: 0.1,
      range: [5, 100],
    },
    co2: {
      base: 580,
      spread: 25,
      season: [{ periodMs: day, amplitude: 130, peakMs: 14 * hour }],
      ou: [
        { tauMs: 2 * hour, sd: 45 },
        { tauMs: 3 * minute, sd: 9 },
      ],
      noise: 1.5,
      quantum: 1,
      range: [380, 5_000],
    },
  },
}

/** The profiles that need no file; a scenario may name them or define its own. */
export const builtinProfiles: Readonly<Record<string, Profile>> = { pump, compressor, climate }
