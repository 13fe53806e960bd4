import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../cli.ts'
import { reportSchema } from '../report/schema.ts'
import * as v from 'valibot'

let directory: string
let server: Server | undefined
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gaugeline-simulate-'))
  writeFileSync(
    join(directory, 'small.yaml'),
    `version: 1
name: small
duration: 1h
fleets: { a: { profile: pump, site: p, count: 3, id: 'a-{index}' } }
thresholds: { messages.missing: count==0 }
`,
  )
})
afterEach(() => server?.close())

/** A broker that answers each first packet with these bytes, or with nothing. */
async function brokerThatAnswers(bytes: readonly number[] | undefined): Promise<string> {
  const taken = createServer((socket: Socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      if (bytes === undefined) socket.destroy()
      else socket.end(Buffer.from(bytes))
    })
  })
  server = taken
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  return `mqtt://127.0.0.1:${(taken.address() as AddressInfo).port}`
}

async function simulated(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const code = await run(args, {
    out: (text) => (said.out += text),
    err: (text) => (said.err += text),
    signal: new AbortController().signal,
    directory,
  })
  return { code, ...said }
}

describe('a run that nothing can connect in', () => {
  it('SCENARIO-14 ends with exit code 3, the broker and the cause, and still reports', async () => {
    const url = await brokerThatAnswers([])
    server?.close()
    const outcome = await simulated('run', 'small.yaml', '--mqtt', url, '--out', 'report.json')
    expect(outcome.code).toBe(3)
    expect(outcome.err.trimEnd().split('\n').at(-1)).toBe(
      `simulate: UNREACHABLE: nothing could connect to ${url}: ECONNREFUSED; start it, or correct --mqtt`,
    )
    expect(outcome.out).toContain('UNREACHABLE  small')
    expect(outcome.out + outcome.err).not.toMatch(/^\s+at /m)
    const report: unknown = JSON.parse(readFileSync(join(directory, 'report.json'), 'utf8'))
    expect(v.parse(reportSchema, report)).toMatchObject({ verdict: 'UNREACHABLE', exitCode: 3 })
  })

  it.each([
    ['SCENARIO-14 refuses everybody', [0x20, 2, 0, 7], 'CONNACK 7, not authorised'],
    ['SCENARIO-14 knows another version', [0x20, 2, 0, 1], 'CONNACK 1, protocol version refused'],
  ])('because the broker %s says so', async (_, bytes, cause) => {
    const url = await brokerThatAnswers(bytes)
    const { code, err } = await simulated('run', 'small.yaml', '--mqtt', url)
    expect(code).toBe(3)
    expect(err).toContain(`nothing could connect to ${url}: ${cause}`)
  })
})

describe('what cannot be used is said before anything is sent', () => {
  it.each([
    [
      ['--out', 'no/such/folder.json', '--mqtt', 'mqtt://h:1'],
      '--out no/such/folder.json: cannot be written (ENOENT)',
    ],
    [['--truth', '.', '--mqtt', 'mqtt://h:1'], '--truth .: cannot be written (EISDIR)'],
    [['--mqtt', 'localhost'], 'a broker is mqtt://host:1883'],
    [['--devices', '0'], 'from 1 to 100000'],
    [['--threshold', 'p(95)<1s'], 'write it as --threshold "ack.latency: p(95)<250ms"'],
    [['--threshold', 'ack.latncy: p(95)<1s'], 'did you mean ack.latency?'],
    [['--cert', 'a.pem', '--mqtt', 'mqtts://127.0.0.1:1'], '--cert and --key belong together'],
    [['--ca', 'no.pem', '--mqtt', 'mqtts://127.0.0.1:1'], '--ca no.pem: cannot be read (ENOENT)'],
    [
      [
        '--ca',
        'small.yaml',
        '--cert',
        'small.yaml',
        '--key',
        'small.yaml',
        '--mqtt',
        'mqtts://h:1',
      ],
      'PEM',
    ],
    [['--state-dir', 'nowhere'], 'start the system with npm start, or name a broker with --mqtt'],
  ])('%j', async (args, part) => {
    const { code, out, err } = await simulated('run', 'small.yaml', ...args)
    expect(code).toBe(2)
    expect(err).toContain(part)
    expect(out).toBe('')
  })

  it('verify without a system to verify', async () => {
    writeFileSync(
      join(directory, 'verified.yaml'),
      `${readFileSync(join(directory, 'small.yaml'), 'utf8')}verify: { sample: 1 }\n`,
    )
    const args = ['run', 'verified.yaml', '--mqtt', 'mqtt://127.0.0.1:1', '--state-dir', 'nowhere']
    const { code, err } = await simulated(...args)
    expect(code).toBe(2)
    expect(err).toContain('--websocket wss://… for verify')
  })
})
