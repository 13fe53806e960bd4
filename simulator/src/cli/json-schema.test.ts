import { mkdtempSync, readFileSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run } from '../cli.ts'
import { loadScenario } from '../scenario/load.ts'

const simulator = join(import.meta.dirname, '../..')
const directory = mkdtempSync(join(tmpdir(), 'gaugeline-init-'))

async function said(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const result = { out: '', err: '' }
  const code = await run(args, {
    out: (text) => (result.out += text),
    err: (text) => (result.err += text),
    signal: new AbortController().signal,
    directory,
  })
  return { code, ...result }
}

describe('the published JSON Schemas', () => {
  it.each([
    ['scenario', 'scenario.schema.json'],
    ['report', 'load-report.schema.json'],
  ])('of a %s is what the simulator checks', async (of, file) => {
    const published: unknown = JSON.parse(readFileSync(join(simulator, 'schema', file), 'utf8'))
    const { code, out } = await said('schema', of)
    expect(code).toBe(0)
    expect(published, `npm run simulate -- schema ${of} > simulator/schema/${file}`).toEqual(
      JSON.parse(out),
    )
  })

  it('there are no others', async () => {
    const { code, err } = await said('schema', 'fleet')
    expect(code).toBe(2)
    expect(err).toContain('name scenario or report')
  })
})

describe('scenarios that ship', () => {
  const shipped = readdirSync(join(simulator, 'scenarios'))
  it.each(shipped)('%s is a good one', (file) => {
    expect(() => loadScenario(join(simulator, 'scenarios', file))).not.toThrow()
  })

  it('init writes a good one, and never over a file', async () => {
    expect((await said('init')).code).toBe(0)
    expect(loadScenario('scenario.yaml', directory).name).toBe('first')
    const again = await said('init')
    expect(again.code).toBe(2)
    expect(again.err).toContain('scenario.yaml is there already')
    expect((await said('init', 'no/folder.yaml')).err).toContain('(ENOENT)')
  })
})
