import type { CommandName, CommandRequest, CommandResult } from '@gaugeline/backend/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import { carryOut, type Controls } from './carry-out.ts'
import { commandDesk, parseCommand } from './command-desk.ts'

const NOW = Date.UTC(2026, 0, 1)
const request = (change: Partial<CommandRequest> = {}): CommandRequest => ({
  commandId: 'one',
  name: 'reboot',
  args: {},
  expiresAt: NOW + 30_000,
  ...change,
})

let calls: unknown[][]
let finishReboot: () => void
let controls: Controls
beforeEach(() => {
  calls = []
  const back = new Promise<void>((resolve) => (finishReboot = resolve))
  controls = {
    setInterval: (ms) => void calls.push(['setInterval', ms]),
    async reboot() {
      calls.push(['reboot'])
      await back
      return 'b2'
    },
    identify: (seconds) => void calls.push(['identify', seconds]),
    setPoint(metric = 'speed', value) {
      calls.push(['setPoint', metric, value])
      return value > 100 ? { refused: 'speed goes from 0 to 100' } : { metric }
    },
  }
})

describe('a command is carried out and answered with what came of it', () => {
  it.each<[CommandName, object, unknown[], CommandResult]>([
    [
      'setInterval',
      { ms: 250 },
      ['setInterval', 250],
      { state: 'done', message: 'a reading every 250 ms', value: 250 },
    ],
    [
      'identify',
      { seconds: 5 },
      ['identify', 5],
      { state: 'done', message: 'blinks for 5 s', value: 5 },
    ],
    ['identify', {}, ['identify', 10], { state: 'done', message: 'blinks for 10 s', value: 10 }],
    [
      'setPoint',
      { value: 50 },
      ['setPoint', 'speed', 50],
      { state: 'done', message: 'speed moves to 50', value: 50 },
    ],
    [
      'setPoint',
      { value: 500, metric: 'speed' },
      ['setPoint', 'speed', 500],
      { state: 'failed', message: 'speed goes from 0 to 100' },
    ],
  ])('%s %j', async (name, args, call, result) => {
    expect(await carryOut(request({ name, args: { ...args } }), controls)).toEqual(result)
    expect(calls).toEqual([call])
  })
  it('reboot is done when the device is back', async () => {
    const result = carryOut(request(), controls)
    finishReboot()
    expect(await result).toEqual({ state: 'done', message: 'runs as boot b2', value: 'b2' })
  })
  it.each<[string, object]>([
    ['setInterval', { ms: 10 }],
    ['setInterval', { ms: '500' }],
    ['setPoint', { metric: 'speed', offset: 1 }],
    ['identify', { seconds: 0 }],
    ['reboot', { now: true }],
    ['dance', {}],
    ['toString', {}],
  ])('%s %j fails and does nothing: the device takes what the server takes', async (name, args) => {
    const wrong = request({ name: name as CommandName, args: { ...args } })
    expect(await carryOut(wrong, controls)).toMatchObject({ state: 'failed' })
    expect(calls).toEqual([])
  })
})

describe('the desk', () => {
  let answers: [string, string][]
  let nowMs: number
  let desk: ReturnType<typeof commandDesk>
  beforeEach(() => {
    answers = []
    nowMs = NOW
    desk = commandDesk({
      carryOut: (command) => carryOut(command, controls),
      answer: (commandId, { state }) => answers.push([commandId, state]),
      now: () => nowMs,
    })
  })

  it('says acked at once and done at the end', async () => {
    const taken = desk.take(request())
    expect(answers).toEqual([['one', 'acked']])
    finishReboot()
    expect(await taken).toBe('begun')
    expect(answers).toEqual([
      ['one', 'acked'],
      ['one', 'done'],
    ])
  })
  it('carries a command that comes twice out once, and answers twice', async () => {
    const both = Promise.all([desk.take(request()), desk.take(request())])
    finishReboot()
    expect(await both).toEqual(['begun', 'repeated'])
    nowMs += 60_000
    expect(await desk.take(request())).toBe('repeated')
    expect(calls).toEqual([['reboot']])
    expect(answers.filter(([, state]) => state === 'done')).toHaveLength(3)
  })
  it('does not begin a command whose time is over', async () => {
    expect(await desk.take(request({ expiresAt: NOW }))).toBe('expired')
    expect(calls).toEqual([])
    expect(answers).toEqual([])
  })
  it('remembers a bounded number of commands', async () => {
    const identify = (n: number): Promise<string> =>
      desk.take(request({ commandId: String(n), name: 'identify' }))
    for (let n = 0; n <= 200; n++) await identify(n)
    expect(await identify(200)).toBe('repeated')
    expect(await identify(0)).toBe('begun')
  })
})

describe('a message', () => {
  it('is read as a command', () => {
    const { expiresAt, ...rest } = request()
    expect(parseCommand(Buffer.from(JSON.stringify(rest)))).toEqual({
      ...rest,
      expiresAt: Infinity,
    })
    expect(parseCommand(Buffer.from(JSON.stringify({ ...rest, expiresAt })))).toEqual(request())
  })
  it.each(['', 'x', 'null', '[]', '{}', '{"commandId":1,"name":"reboot"}'])(
    '%s is none',
    (text) => {
      expect(parseCommand(Buffer.from(text))).toBeUndefined()
    },
  )
})
