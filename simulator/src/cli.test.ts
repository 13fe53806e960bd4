import { describe, expect, it } from 'vitest'
import { run } from './cli.ts'

async function runWith(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const result = { code: 0, out: '', err: '' }
  const controller = new AbortController()
  controller.abort()
  result.code = await run(args, {
    out: (text) => (result.out += text),
    err: (text) => (result.err += text),
    signal: controller.signal,
    directory: '.',
  })
  return result
}

describe('the command line', () => {
  it.each([
    [['demo', '--sed', '4'], '--seed'],
    [['demo', '--seed', '-1'], 'whole number'],
    [['demo', '--duration', '5'], 'such as 500ms or 10m'],
    [['demo', '--mqtt'], 'argument missing'],
    [['run', 'missing.yaml', '--mqtt', 'mqtt://127.0.0.1:1'], 'missing.yaml: cannot be read'],
    [['dmeo'], 'demo'],
  ])('answers %j with exit code 2 and the way out', async (args, part) => {
    const { code, err, out } = await runWith(...args)
    expect(code).toBe(2)
    expect(err).toContain(part)
    expect(out).toBe('')
  })

  it('prints its help on stdout with exit code 0', async () => {
    const { code, out } = await runWith('--help')
    expect(code).toBe(0)
    expect(out).toContain('demo')
  })
})
