import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { afterAll, describe, expect, it } from 'vitest'
import { run } from '../../simulator/src/cli.ts'
import { reportSchema, type LoadReport } from '../../simulator/src/report/schema.ts'
import {
  answer,
  hasMosquitto,
  ScriptedBroker,
  startAedes,
  startMosquitto,
  type BrokerProcess,
  type Script,
} from '../support/load-brokers.ts'
import { loopbackCertificate } from '../support/loopback-certificate.ts'
import { waitFor } from '../support/wait.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'gaugeline-endings-'))
const stops: (() => void)[] = []
let files = 0
/** A busy machine starts a process slowly. */
const patienceMs = 90_000
afterAll(() => {
  for (const stop of stops) stop()
  rmSync(directory, { recursive: true, force: true })
})

/** Asks for nothing: what holds of every run has to be enough. A busy machine is no reason to call the generator slow. */
const scenario = (rest = '', duration = '3s'): string => `version: 1
name: endings
duration: ${duration}
fleets: { a: { profile: pump, site: p, count: 4, id: 'a-{index}', interval: 200ms } }
generator: { maxLag: 60s }
${rest}
`

interface Ended {
  readonly report: LoadReport
  readonly code: number
  readonly err: string
}

async function ended(url: string, text = scenario(), ...flags: string[]): Promise<Ended> {
  const name = `run-${++files}`
  writeFileSync(join(directory, `${name}.yaml`), text)
  const said = { out: '', err: '' }
  const out = `${name}.json`
  const args = ['run', `${name}.yaml`, '--mqtt', url, '--json', '--out', out, ...flags]
  const code = await run(args, {
    out: (part) => (said.out += part),
    err: (part) => (said.err += part),
    signal: new AbortController().signal,
    directory,
  })
  const report = v.parse(reportSchema, JSON.parse(said.out))
  expect(JSON.parse(readFileSync(join(directory, out), 'utf8'))).toEqual(report)
  expect(report.exitCode).toBe(code)
  expectBalance(report)
  return { report, code, err: said.err }
}

function expectBalance({ accounting, latencies, seconds }: LoadReport): void {
  const { due, acknowledged, missing, dropped, buffered, unaccounted } = accounting
  expect(due).toBe(acknowledged + missing)
  expect(missing).toBe(dropped + buffered + unaccounted)
  expect(unaccounted).toBe(0)
  // Every reading counts, acknowledged or not.
  expect(latencies['ack.latency']?.count ?? 0).toBe(due)
  expect(seconds).toBeLessThan(60)
}

async function scripted(script: Script): Promise<ScriptedBroker> {
  const broker = await new ScriptedBroker(script).start()
  stops.push(() => broker.stop())
  return broker
}

async function aedes(port?: number): Promise<BrokerProcess> {
  const broker = await startAedes(port)
  stops.push(() => broker.stop())
  return broker
}

const missingIsBroken: unknown = expect.objectContaining({
  metric: 'messages.missing',
  isMet: false,
})

// Most of their time these runs wait for a broker: they do so beside each other.
describe.concurrent('a run ends with a report and an honest verdict when the broker', () => {
  it('takes everything: PASS', async () => {
    const { report } = await ended((await aedes()).url)
    expect(report).toMatchObject({ verdict: 'PASS', exitCode: 0 })
    expect(report.accounting.missing).toBe(0)
  })

  it.runIf(hasMosquitto)('is Mosquitto and takes everything, and when it is killed', async () => {
    const broker = await startMosquitto()
    stops.push(() => broker.stop())
    expect((await ended(broker.url)).report.verdict).toBe('PASS')
    const second = await startMosquitto()
    stops.push(() => second.stop())
    void second.flows.then(() => second.stop())
    const { report } = await ended(second.url)
    expect(report).toMatchObject({ verdict: 'FAIL', exitCode: 99 })
    expect(report.thresholds).toContainEqual(missingIsBroken)
  })

  it('loses its acknowledgements: what it took counts as missing, and with its age', async () => {
    let taken = 0
    const broker = await scripted(({ cmd }) => cmd !== 'publish' || ++taken <= 10)
    const { report } = await ended(broker.url)
    expect(report).toMatchObject({ verdict: 'FAIL', exitCode: 99 })
    expect(report.accounting.missing).toBeGreaterThan(10)
    expect(report.latencies['ack.latency']?.maxMs).toBeGreaterThan(3_000)
  })

  it('loses its acknowledgements: a limit of latency is broken by them too', async () => {
    let taken = 0
    const broker = await scripted(({ cmd }) => cmd !== 'publish' || ++taken <= 10)
    const limits = 'thresholds: { ack.latency: p(50)<1s, messages.missing: count>=0 }'
    const { report } = await ended(broker.url, scenario(limits))
    expect(report.thresholds).toContainEqual(
      expect.objectContaining({ metric: 'ack.latency', isMet: false }),
    )
    expect(report.verdict).toBe('FAIL')
  })

  it.each([
    ['freezes', 'SIGSTOP'],
    ['is killed', 'SIGKILL'],
  ] as const)('%s', async (_, signal) => {
    const broker = await aedes()
    void broker.flows.then(() => broker.child.kill(signal))
    const { report } = await ended(broker.url, scenario('', '6s'))
    expect(report).toMatchObject({ verdict: 'FAIL', exitCode: 99 })
    expect(report.accounting.missing).toBeGreaterThan(0)
  })

  it('is killed and comes back: nothing is missing, but the connections that fell are told', async () => {
    const broker = await aedes()
    void broker.flows.then(() => {
      broker.child.once('exit', () => void aedes(broker.port))
      broker.stop()
    })
    const { report } = await ended(broker.url, scenario('', '12s'))
    expect(report.accounting.missing).toBe(0)
    expect(report).toMatchObject({ verdict: 'FAIL', exitCode: 99 })
    expect(report.reason).toContain('connections.kept')
  })

  it('freezes: a threshold with abortOnFail ends the run, though nothing is acknowledged', async () => {
    const broker = await aedes()
    void broker.flows.then(() => broker.child.kill('SIGSTOP'))
    const limits = 'thresholds: { ack.latency: { expr: p(95)<2s, abortOnFail: true } }'
    const { report } = await ended(broker.url, scenario(limits, '50s'))
    expect(report.reason).toContain('ended early by abortOnFail')
    expect(report.seconds).toBeLessThan(30)
  })

  it('is full: nobody gets in', async () => {
    const broker = await scripted(({ cmd }, { send }) => {
      if (cmd !== 'connect') return true
      send({ cmd: 'connack', returnCode: 3, sessionPresent: false })
      return false
    })
    const { report } = await ended(broker.url)
    expect(report).toMatchObject({ verdict: 'UNREACHABLE', exitCode: 3 })
    expect(report.reason).toContain('CONNACK 3')
  })

  it('is full for some: their readings are missing', async () => {
    const broker = await scripted((packet, { send }) => {
      if (packet.cmd !== 'connect' || packet.clientId < 'a-3') return true
      send({ cmd: 'connack', returnCode: 3, sessionPresent: false })
      return false
    })
    const { report } = await ended(broker.url)
    expect(report).toMatchObject({ verdict: 'FAIL', exitCode: 99 })
    expect(report.reason).toContain('connect.success, messages.missing')
  })

  it('is slow: latency counts from the instant a reading was due', async () => {
    const broker = await scripted((packet, { send }) => {
      if (packet.cmd !== 'publish') return true
      setTimeout(() => answer(packet, send), 1_000)
      return false
    })
    const { report } = await ended(broker.url, scenario('thresholds: { ack.latency: p(50)<500ms }'))
    expect(report).toMatchObject({ verdict: 'FAIL', exitCode: 99 })
    expect(report.accounting.missing).toBe(0)
    expect(report.latencies['ack.latency']?.p50Ms).toBeGreaterThanOrEqual(1_000)
  })

  it('closes the connection with each publish', async () => {
    const broker = await scripted(({ cmd }, { socket }) => {
      if (cmd === 'publish') socket.destroy()
      return cmd !== 'publish'
    })
    const { report } = await ended(broker.url)
    expect(report).toMatchObject({ verdict: 'FAIL', exitCode: 99 })
    expect(report.connects.lost).toBeGreaterThan(0)
  })

  it('accepts the connection and says nothing', async () => {
    const broker = await scripted(() => false)
    expect((await ended(broker.url)).report).toMatchObject({ verdict: 'UNREACHABLE', exitCode: 3 })
  })

  it('speaks another protocol', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    }).listen(0, '127.0.0.1')
    stops.push(() => server.close())
    await waitFor(() => server.listening, 'the server')
    const { port } = server.address() as AddressInfo
    const { report } = await ended(`mqtt://127.0.0.1:${port}`)
    expect(report).toMatchObject({ verdict: 'UNREACHABLE', exitCode: 3 })
  })

  it('is not there', async () => {
    const broker = await new ScriptedBroker().start()
    broker.stop()
    const { report } = await ended(broker.url)
    expect(report).toMatchObject({ verdict: 'UNREACHABLE', exitCode: 3 })
    expect(report.reason).toContain('ECONNREFUSED')
  })

  it('has a name that nobody knows', async () => {
    const { report } = await ended('mqtt://no-such-broker.invalid:1883')
    expect(report).toMatchObject({ verdict: 'UNREACHABLE', exitCode: 3 })
  })
})

describe.concurrent('a run over TLS', () => {
  async function secured(): Promise<number> {
    const server = createTlsServer(loopbackCertificate, (socket) => {
      socket.on('error', () => undefined)
    }).listen(0, '127.0.0.1')
    server.on('tlsClientError', () => undefined)
    stops.push(() => server.close())
    await waitFor(() => server.listening, 'the server')
    return (server.address() as AddressInfo).port
  }

  it.each(['mqtts', 'wss'])('with an authority that %s does not know says --ca', async (scheme) => {
    const { report } = await ended(`${scheme}://127.0.0.1:${await secured()}`)
    expect(report).toMatchObject({ verdict: 'UNREACHABLE', exitCode: 3 })
    expect(report.reason).toMatch(/SELF_SIGNED.*--ca/)
  })

  it.each(['mqtts', 'wss'])('takes the authority of --ca for %s', async (scheme) => {
    writeFileSync(join(directory, 'ca.pem'), loopbackCertificate.cert)
    const { report } = await ended(
      `${scheme}://127.0.0.1:${await secured()}`,
      scenario(),
      '--ca',
      'ca.pem',
    )
    // Behind the certificate nobody answers.
    expect(report.verdict).toBe('UNREACHABLE')
    expect(report.reason).not.toMatch(/CERT|SIGNED/)
  })
})

describe.concurrent('a run that a signal ends', () => {
  function started(url: string, text: string) {
    const name = `signal-${++files}`
    const file = join(directory, `${name}.yaml`)
    writeFileSync(file, text)
    const args = ['simulator/bin/simulate.mjs', 'run', file, '--mqtt', url, '--json']
    const out = join(directory, `${name}.json`)
    const child = spawn(process.execPath, [...args, '--out', out], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    stops.push(() => child.kill('SIGKILL'))
    const said = { out: '', err: '' }
    child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString('utf8')))
    child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString('utf8')))
    const code = new Promise<number | null>((resolve) => child.once('close', resolve))
    const report = async (): Promise<LoadReport> => {
      expect(await code).toBe(130)
      const printed = v.parse(reportSchema, JSON.parse(said.out))
      expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual(printed)
      expectBalance(printed)
      return printed
    }
    return { child, said, report }
  }

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s while nothing is acknowledged: a report, and what waits is missing',
    async (signal) => {
      const broker = await scripted(({ cmd }) => cmd !== 'publish')
      const { child, report } = started(broker.url, scenario('', '1h'))
      await waitFor(() => broker.published.length >= 4, 'readings', patienceMs)
      child.kill(signal)
      const { verdict, accounting } = await report()
      expect(verdict).toBe('INTERRUPTED')
      expect(accounting.missing).toBeGreaterThanOrEqual(4)
    },
  )

  it('Ctrl-C twice while nothing is acknowledged: still a report', async () => {
    const broker = await scripted(({ cmd }) => cmd !== 'publish')
    const { child, report } = started(broker.url, scenario('', '1h'))
    await waitFor(() => broker.published.length >= 4, 'readings', patienceMs)
    child.kill('SIGINT')
    child.kill('SIGTERM')
    expect((await report()).verdict).toBe('INTERRUPTED')
  })

  it('Ctrl-C twice while the broker is frozen: still a report', async () => {
    const broker = await aedes()
    const { child, said, report } = started(broker.url, scenario('', '1h'))
    await waitFor(() => said.err.includes('seed 42'), 'the run', patienceMs)
    broker.child.kill('SIGSTOP')
    child.kill('SIGINT')
    child.kill('SIGTERM')
    expect((await report()).verdict).toBe('INTERRUPTED')
  })

  it('before anything could connect, and before the run: still a report', async () => {
    const broker = await scripted(() => false)
    const { child, said, report } = started(broker.url, scenario('', '1h'))
    await waitFor(() => said.err.includes('seed 42'), 'the run', patienceMs)
    child.kill('SIGINT')
    expect((await report()).accounting.acknowledged).toBe(0)
  })
})

it('a report that cannot be written is said, and stands on stdout', async () => {
  const broker = await aedes()
  writeFileSync(join(directory, 'full.yaml'), scenario('', '1s'))
  const said = { out: '', err: '' }
  const args = ['run', 'full.yaml', '--mqtt', broker.url, '--json', '--out', '/dev/full']
  const code = await run(args, {
    out: (part) => (said.out += part),
    err: (part) => (said.err += part),
    signal: new AbortController().signal,
    directory,
  })
  expect(v.parse(reportSchema, JSON.parse(said.out)).verdict).toBe('PASS')
  expect(said.err).toContain('--out /dev/full could not be written (ENOSPC)')
  expect(code).toBe(1)
})

it('a run leaves no half of a report and no temporary file', () => {
  expect(readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([])
})
