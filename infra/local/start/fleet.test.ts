import { EventEmitter, once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StartError } from '../platform/errors.ts'
import { startFleet } from './fleet.ts'
import type { Fleet } from './fleet.ts'

const repository = path.resolve(import.meta.dirname, '../../..')
let root: string

/** A simulator that does what the test says, in the place where the real one is. */
function simulator(source: string): void {
  mkdirSync(path.join(root, 'simulator/src'), { recursive: true })
  writeFileSync(path.join(root, 'simulator/src/main.ts'), source)
}

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'gaugeline-fleet-'))
  symlinkSync(path.join(repository, 'node_modules'), path.join(root, 'node_modules'))
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

/** Starts it; `said` resolves with its first line, `ended` with the reason when it ends unasked. */
async function start(scenario?: string): Promise<{
  fleet: Fleet
  said: Promise<string>
  ended: Promise<StartError>
}> {
  const events = new EventEmitter()
  const said = once(events, 'said')
  const ended = once(events, 'ended')
  const fleet = await startFleet({
    root,
    mqtt: 'mqtt://127.0.0.1:1',
    scenario,
    note: (line) => void events.emit('said', line),
    ended: (reason) => void events.emit('ended', reason),
  })
  return {
    fleet,
    said: said.then(([line]) => line as string),
    ended: ended.then(([reason]) => reason as StartError),
  }
}

const sayArguments = 'process.stderr.write(process.argv.slice(2).join(" ") + "\\n");'
const stay = 'setInterval(() => {}, 1000);'

describe('the demo fleet', () => {
  test('gets the broker, and the scenario when there is one', async () => {
    simulator(sayArguments)
    expect(await (await start()).said).toBe('demo --mqtt mqtt://127.0.0.1:1')
    expect(await (await start('/a.yaml')).said).toBe('run /a.yaml --mqtt mqtt://127.0.0.1:1')
  })

  test('is asked to stop with SIGTERM', async () => {
    simulator(`${sayArguments}${stay} process.on('SIGTERM', () => process.exit(0))`)
    const { fleet, said } = await start()
    await said
    await expect(fleet.stop()).resolves.toBeUndefined()
  })

  test('that ends by itself gives its last line as the reason', async () => {
    simulator('process.stderr.write("no broker there\\n"); process.exitCode = 1')
    const { ended } = await start()
    expect((await ended).message).toBe('the simulated devices stopped: no broker there')
  })
})
