import { describe, expect, it } from 'vitest'
import { manualClock } from '../../platform/clock.ts'
import type { Environment, InitOutcome } from './environment.ts'
import { createPool } from './pool.ts'

/** Environments whose init phase ends when the test says so. */
function setUp(maxEnvironments: number) {
  const clock = manualClock()
  const started: { finish: (outcome: InitOutcome) => void; environment: Environment }[] = []
  const pool = createPool({
    clock,
    maxEnvironments,
    start() {
      let alive = true
      const goneListeners: (() => void)[] = []
      let finish: (outcome: InitOutcome) => void = () => undefined
      const ready = new Promise<InitOutcome>((resolve) => (finish = resolve))
      const environment: Environment = {
        logStream: String(started.length),
        ready,
        takeInitMs: () => undefined,
        isAlive: () => alive,
        invoke: () => Promise.reject(new Error('not used')),
        terminate() {
          alive = false
          for (const listener of goneListeners.splice(0)) listener()
          finish({ ok: false, error: { errorType: 'gone', errorMessage: '' } })
          return Promise.resolve()
        },
        onGone: (listener) => goneListeners.push(listener),
      }
      started.push({ finish, environment })
      return environment
    },
  })
  const ready = (index: number) => {
    started[index]?.finish({ ok: true, initMs: 1 })
  }
  const failed = (index: number) => {
    started[index]?.environment.terminate().catch(() => undefined)
    return new Promise((resolve) => setImmediate(resolve))
  }
  return { pool, started, ready, failed, clock }
}

describe('createPool', () => {
  it('starts no more environments than it may, the rest waits', async () => {
    const { pool, started, ready } = setUp(1)
    const [first, second] = [pool.acquire(), pool.acquire()]
    ready(0)
    const environment = (await first) as Environment
    expect(started).toHaveLength(1)
    pool.release(environment)
    expect(await second).toBe(environment)
  })

  it('runs nothing for a caller that has given up, and keeps the turn of the others', async () => {
    const { pool, ready } = setUp(1)
    const first = pool.acquire()
    const caller = new AbortController()
    const [second, third] = [pool.acquire(caller.signal), pool.acquire()]
    ready(0)
    const environment = (await first) as Environment
    caller.abort()
    expect(await second).toBe('abandoned')
    expect(await pool.acquire(caller.signal)).toBe('abandoned')
    pool.release(environment)
    expect(await third).toBe(environment)
  })

  it('gives an event to the environment that comes free before the new one is ready', async () => {
    const { pool, started, ready } = setUp(3)
    const first = pool.acquire()
    ready(0)
    const environment = (await first) as Environment
    const second = pool.acquire()
    expect(started).toHaveLength(2)
    pool.release(environment)
    expect(await second).toBe(environment)
  })

  it('replaces an environment that died at work', async () => {
    const { pool, started, ready } = setUp(1)
    const first = pool.acquire()
    ready(0)
    const environment = (await first) as Environment
    const second = pool.acquire()
    await environment.terminate()
    pool.release(environment)
    expect(started).toHaveLength(2)
    ready(1)
    expect(await second).toBe(started[1]?.environment)
  })

  it('LAMBDA-12: retries a failed init phase once for the same event', async () => {
    const { pool, started, failed } = setUp(2)
    const first = pool.acquire()
    await failed(0)
    expect(started).toHaveLength(2)
    await failed(1)
    expect(await first).toMatchObject({ errorType: 'gone' })
    expect(started).toHaveLength(2)
  })

  it('ends what is idle for ten minutes', async () => {
    const { pool, ready, clock } = setUp(2)
    const first = pool.acquire()
    ready(0)
    pool.release((await first) as Environment)
    await clock.advance(599_999)
    expect(pool.size()).toBe(1)
    await clock.advance(1)
    expect(pool.size()).toBe(0)
  })

  it('retired, it ends an environment only when its event is done', async () => {
    const { pool, ready } = setUp(2)
    const first = pool.acquire()
    ready(0)
    const environment = (await first) as Environment
    await pool.retire(false)
    expect(environment.isAlive()).toBe(true)
    pool.release(environment)
    expect(environment.isAlive()).toBe(false)
  })

  it('stopped, it starts nothing more and tells those that wait', async () => {
    const { pool, started } = setUp(2)
    const first = pool.acquire()
    await pool.retire(true)
    expect(await first).toMatchObject({ errorType: 'Runtime.ExitError' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(started).toHaveLength(1)
  })
})
