import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const STARTERS = 6
const ROUNDS = 15
/** A pid that nobody has: beyond the largest one Linux gives. */
const DEAD_PID = 2 ** 22 + 1

let directory: string
let starters: ChildProcess[]

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'gaugeline-lock-file-'))
  starters = Array.from({ length: STARTERS }, () =>
    fork(new URL('./lock-race.fixture.ts', import.meta.url), { execArgv: ['--import', 'tsx'] }),
  )
  await Promise.all(starters.map((starter) => once(starter, 'message')))
}, 60_000)
afterAll(() => {
  for (const starter of starters) starter.kill()
  rmSync(directory, { recursive: true, force: true })
})

/** Every process tries at once; the pids of those that got it. */
async function race(file: string): Promise<number[]> {
  const answers = starters.map(async (starter) => {
    const answer = once(starter, 'message')
    starter.send(file)
    return [starter.pid, ...((await answer) as [boolean])] as const
  })
  return (await Promise.all(answers)).filter(([, hasIt]) => hasIt).map(([pid]) => pid!)
}

test.each([
  ['a lock of a killed process', `${DEAD_PID}\n`, undefined],
  ['no lock', undefined, undefined],
  ['an empty lock', '', undefined],
  ['a lock and a takeover of killed processes', `${DEAD_PID}\n`, `${DEAD_PID}\n`],
])(
  'of several starters on %s at most one gets it, and nothing else is left',
  async (_, stale, takeover) => {
    let taken = 0
    for (let round = 0; round < ROUNDS; round++) {
      const here = mkdtempSync(path.join(directory, 'round-'))
      const file = path.join(here, 'gaugeline.lock')
      if (stale !== undefined) writeFileSync(file, stale)
      if (takeover !== undefined) writeFileSync(`${file}.takeover`, takeover)
      const winners = await race(file)
      expect(winners.length).toBeLessThanOrEqual(1)
      taken += winners.length
      if (winners.length === 1) expect(readFileSync(file, 'utf8')).toBe(`${winners[0]}\n`)
      expect(readdirSync(here).filter((name) => name !== 'gaugeline.lock')).toEqual([])
    }
    // Who meets a takeover in progress is refused and may try again; most rounds have a winner all the same.
    expect(taken).toBeGreaterThan(ROUNDS / 2)
  },
  60_000,
)
