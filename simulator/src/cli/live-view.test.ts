import { createHistogram } from 'node:perf_hooks'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Progress } from '../run/progress.ts'
import { LiveView } from './live-view.ts'
import { repeatCommand } from './repeat-command.ts'

let said: string
beforeEach(() => {
  said = ''
})

function viewOf(columns?: number): LiveView {
  return new LiveView({
    out: () => undefined,
    err: (text) => (said += text),
    signal: new AbortController().signal,
    directory: '.',
    columns,
  })
}

const at = (elapsedMs: number): Progress => ({
  name: 'small',
  stage: 'run',
  elapsedMs,
  totalMs: 60_000,
  rate: 1,
  present: 3,
  devices: 3,
  connected: 3,
  bufferedReadings: 0,
  bufferedDevices: 0,
  dropped: 0,
  lost: 0,
  failedConnects: 0,
  due: 3,
  acknowledged: 3,
  duePerSecond: 3,
  ackedPerSecond: 3,
  ack: createHistogram(),
  activeFaults: 0,
  scheduleLagP99Ms: 1,
  loopLagP99Ms: 1,
  cpuPercent: 3,
  isSaturated: false,
})

describe('in a log', () => {
  it('a run is a line every ten seconds', () => {
    const view = viewOf()
    for (let ms = 250; ms <= 25_000; ms += 250) view.update(at(ms))
    expect(said.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^00:10 of 1 min {2}run: 3 of 3 devices/),
      expect.stringMatching(/^00:20 /),
    ])
  })

  it('trouble is shown, but not once for each device of a large fleet', () => {
    const view = viewOf()
    for (let n = 0; n < 500; n++) view.event('device.unreachable', { device: `pump-${n}` })
    view.event('device.connected', { device: 'pump-1' })
    const lines = said.trimEnd().split('\n')
    expect(lines).toHaveLength(21)
    expect(lines.at(-1)).toBe('further device events are not shown')
  })
})

describe('on a terminal', () => {
  /** What is on the screen after the escape codes that were said. */
  function screen(): string[] {
    const lines: string[] = []
    for (const part of said.split(/(\u001B\[\d+A\u001B\[0J)/)) {
      const up = /\[(\d+)A/.exec(part)?.[1]
      if (up === undefined) lines.push(...part.split('\n').slice(0, -1))
      else lines.splice(lines.length - Number(up))
    }
    return lines
  }

  it('the panel is drawn in its place, and what happens stands above it', () => {
    const view = viewOf(100)
    view.update(at(1_000))
    view.event('device.disconnected', { device: 'pump-1' })
    view.update(at(2_000))
    const lines = screen()
    expect(lines[0]).toContain('device.disconnected')
    expect(lines[1]).toContain('small  run  00:02 of 1 min')
    expect(lines).toHaveLength(5)
  })

  it('nothing is left of the panel at the end', () => {
    const view = viewOf(100)
    view.update(at(1_000))
    view.close()
    expect(screen()).toEqual([])
  })
})

it('the command that repeats a run has the seed and the broker, and is quoted for a shell', () => {
  const said = { seed: 42, mqtt: 'mqtt://127.0.0.1:1883' }
  expect(repeatCommand(['run', 'a b.yaml', '--threshold', 'ack.latency: max<1s'], said)).toBe(
    `npm run simulate -- run 'a b.yaml' --threshold 'ack.latency: max<1s' --seed 42 --mqtt mqtt://127.0.0.1:1883`,
  )
  const given = { seed: 42, mqtt: 'mqtt://h:1' }
  expect(repeatCommand(['demo', '--seed=7', '--mqtt', 'mqtt://h:1'], given)).toBe(
    'npm run simulate -- demo --seed=7 --mqtt mqtt://h:1',
  )
})

it.each([
  ['--mqtt', 'mqtt://ana:s3cret@h:1', '--seed', '1'],
  ['--mqtt=mqtt://ana:s3cret@h:1', '--seed', '1'],
  ['--username', 'ana', '--password', 's3cret', '--seed', '1'],
  ['--username', 'ana', '--password=s3cret', '--seed', '1'],
])('no password is in it: %j', (...args) => {
  const command = repeatCommand(['demo', ...args], { seed: 42, mqtt: 'mqtt://h:1' })
  expect(command).not.toContain('s3cret')
  expect(command).toMatch(/GAUGELINE_MQTT_PASSWORD|mqtt:\/\/h:1/)
})
