import { CloudWatchClient, ListMetricsCommand } from '@aws-sdk/client-cloudwatch'
import { ListQueuesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import mqtt from 'mqtt'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readLogs } from '../support/aws-call.ts'
import { ProtocolClient, requestToken } from '../support/client.ts'
import { connectMqtt } from '../support/devices.ts'
import { rawHandshake } from '../support/raw-handshake.ts'
import { startSystem, type RunningSystem } from '../support/system.ts'
import { tableReader } from '../support/tables.ts'
import { waitFor } from '../support/wait.ts'

/** One run with canaries in every token, claim, payload and message, and then a look at everything that it wrote. */
let system: RunningSystem
/** Never anywhere. */
const tokens: string[] = []
/**
 * Claims of accepted tokens: in the rows of their connection, and nowhere else. Not the subject: who did it is what a log line and an audit
 * row are for (SECURITY-18).
 */
const claims: string[] = []
/** Data: in the tables it was meant for, and nowhere else. */
const data: string[] = []
let connectionId: string
let seen: string
let rowOfKeeper: string
let logs: ReadonlyMap<string, string[]>

/** Payload and signature of a genuine token. */
const keepSecret = (token: string): void => void tokens.push(...token.split('.').slice(1))
const idOf = (token: string): string => {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  return (JSON.parse(payload) as { jti: string }).jti
}

const canary = (list: string[]): string => {
  const text = `canary${randomBytes(12).toString('hex')}`
  list.push(text)
  return text
}
/** What makes a forged line, a second line, a red line or a long one of a logger that does not look. */
const FORGED = '\r\n{"level":"ERROR","message":"forged"}\n\u001b[31mred\u2028\u2029\u202e'
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

beforeAll(async () => {
  system = await startSystem()
  await refusedHandshakes()
  await session()
  await devices()
  await waitFor(async () => {
    logs = await readLogs(system.endpoints)
    const rejected = (await tableReader(system.endpoints)('Rejects')).length >= 3
    return rejected && logOf('Disconnect').length > 0
  }, 'the log lines of the last of it')
  logs = await readLogs(system.endpoints)
})
afterAll(() => system.stop())

const logOf = (name: string): string[] =>
  [...logs].flatMap(([group, lines]) => (group.includes(name) ? lines : []))

function offer(token: string): { headers: Record<string, string> } {
  return { headers: { 'Sec-WebSocket-Protocol': `gaugeline.v1, bearer.${token}` } }
}

async function refusedHandshakes(): Promise<void> {
  const url = system.endpoints.websocket
  const good = await requestToken(system, { user: 'knocker' })
  const [head, payload, signature] = good.split('.')
  keepSecret(good)
  await rawHandshake(url, offer(canary(tokens)))
  await rawHandshake(url, offer(`${canary(tokens)}.${canary(tokens)}.${canary(tokens)}`))
  const forgedClaims = encode({ sub: canary(tokens), devices: [canary(tokens)] })
  tokens.push(forgedClaims)
  await rawHandshake(url, offer(`${head}.${forgedClaims}.${signature}`))
  const kid = encode({ alg: 'RS256', kid: canary(tokens) + FORGED })
  await rawHandshake(url, offer(`${kid}.${payload}.${signature}`))
  await rawHandshake(url, { ...offer(good), path: `?token=${canary(tokens)}%0d%0aforged` })
  await rawHandshake(url, { headers: { Authorization: `Bearer ${canary(tokens)}` } })
  await rawHandshake(url, { headers: { ...offer(good).headers, Cookie: canary(tokens) } })
  const expired = await requestToken(system, { user: 'expired', expiresIn: 1 })
  keepSecret(expired)
  const powerless = await requestToken(system, { user: 'powerless', devices: [] })
  keepSecret(powerless)
  await rawHandshake(url, offer(powerless))
  await waitFor(async () => (await rawHandshake(url, offer(expired))).status === 401, 'the end')
}

async function session(): Promise<void> {
  const keeper = (): Promise<string> =>
    requestToken(system, {
      user: 'canary-keeper',
      roles: ['admin'],
      devices: ['plant-1/#', `plant-9/${canary(claims)}`],
    })
  const token = await keeper()
  const renewal = await keeper()
  claims.push(idOf(token), idOf(renewal))
  const foreign = await requestToken(system, { user: 'somebody-else' })
  for (const one of [token, renewal, foreign]) keepSecret(one)
  const client = await ProtocolClient.connect(system.endpoints.websocket, token)
  const hello = await client.request({ action: 'hello', client: 'x\r\n\u001b[31m' }, 'welcome')
  connectionId = hello.connectionId
  const requests: Parameters<typeof client.request>[0][] = [
    { action: 'refresh', token: renewal },
    { action: 'refresh', token: foreign },
    { action: 'refresh', token: canary(tokens) },
    { action: 'refresh', token: `${canary(tokens)}.${canary(tokens)}.x${FORGED}` },
    { action: 'sendMessage', topic: 'plant-1/#', text: canary(data) + FORGED },
    { action: 'sendMessage', topic: canary(data) + FORGED, text: 'x' },
    { action: 'alarms', op: 'history', alarm: canary(data) + FORGED },
    { action: 'revoke', user: 'nobody', jti: canary(tokens) + FORGED },
    {
      action: 'command',
      key: '44444444-4444-4444-8444-444444444444',
      topic: 'plant-1/canary-1',
      name: 'setPoint',
      args: { metric: canary(data), value: 1 },
    },
    {
      action: 'subscribe',
      subscriptions: [
        { sid: 1, topic: canary(data) + FORGED },
        { sid: 2, topic: 'plant-1/#', mode: 'latest' },
      ],
    },
  ]
  for (const request of requests) await client.request(request)
  for (const frame of [
    canary(data) + FORGED,
    `{"action":"${canary(data)}\\r\\n\\u2028"}`,
    `"${canary(data)}`,
  ]) {
    client.socket.send(frame)
  }
  await waitFor(() => client.messages('error').length >= 9, 'the errors')
  seen = JSON.stringify(client.received)
  rowOfKeeper = JSON.stringify(await tableReader(system.endpoints)('Connections'))
  client.socket.send(canary(data) + 'x'.repeat(1_048_576))
  await waitFor(() => client.closed, 'the end of the socket')
}

async function devices(): Promise<void> {
  const device = await connectMqtt(system.endpoints.mqtt)
  const payloads = [
    `{"${canary(data)}"${FORGED}`,
    JSON.stringify({ metrics: { [canary(data)]: canary(data) } }),
    JSON.stringify({ ts: canary(data), boot: FORGED, metrics: { a: 1 } }),
    canary(data) + 'x'.repeat(120_000),
    JSON.stringify({ metrics: { [canary(data)]: 1 } }),
  ]
  for (const payload of payloads) {
    await device.publishAsync('dt/plant-1/canary-1/telemetry', payload, { qos: 1 })
  }
  await device.endAsync()
  // Credentials that the broker does not need, and a name that forges lines.
  await mqtt
    .connectAsync(system.endpoints.mqtt, {
      clientId: `id${FORGED}`,
      username: canary(tokens),
      password: canary(tokens),
      reconnectPeriod: 0,
    })
    .then((client) => client.endAsync())
    .catch(() => undefined)
}

/** The canaries of a list that a text has. */
const hits = (text: string, list: readonly string[]): string[] =>
  list.filter((one) => text.includes(one))

function filesOf(directory: string): string {
  return readdirSync(directory, { recursive: true })
    .map((name) => join(directory, String(name)))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n')
}

describe('0 canaries', () => {
  it('are in the log of any function or of the gateway', () => {
    const text = [...logs.values()].flat().join('\n')
    expect(text).toContain(connectionId)
    expect(hits(text, [...tokens, ...claims, ...data])).toEqual([])
  })
  it('of a token are in a table; those of claims and data are', async () => {
    const read = tableReader(system.endpoints)
    const rows = await Promise.all(Object.keys(system.endpoints.tables).map(read))
    const text = JSON.stringify(rows)
    expect(text).toContain('canary-keeper')
    expect(hits(text, tokens)).toEqual([])
    expect(hits(text, data).length).toBeGreaterThan(2)
    // While the socket was open its row had them; a tombstone has not.
    expect(rowOfKeeper).toContain(claims[1])
  })
  it('are on the terminal or in a file that the run wrote', () => {
    const all = [...tokens, ...claims, ...data]
    expect(hits(system.output(), all)).toEqual([])
    expect(hits(filesOf(system.stateDir), all)).toEqual([])
  })
  it('are in the name or dimension of a metric; our own have the one dimension', async () => {
    const client = new CloudWatchClient(clientConfig())
    const found = []
    let NextToken: string | undefined
    do {
      const page = await client.send(new ListMetricsCommand({ NextToken }))
      found.push(...(page.Metrics ?? []))
      NextToken = page.NextToken
    } while (NextToken !== undefined)
    client.destroy()
    const own = found.filter(({ Namespace }) => Namespace === 'Gaugeline')
    expect(own.length).toBeGreaterThan(5)
    expect(new Set(own.flatMap((one) => one.Dimensions ?? []).map(({ Name }) => Name))).toEqual(
      new Set(['service']),
    )
    expect(hits(JSON.stringify(found), [...tokens, ...claims, ...data])).toEqual([])
  })
  it('are in a queue', async () => {
    const client = new SQSClient(clientConfig())
    const { QueueUrls = [] } = await client.send(new ListQueuesCommand({}))
    expect(QueueUrls.length).toBeGreaterThan(3)
    for (const QueueUrl of QueueUrls) {
      let isEmpty = false
      while (!isEmpty) {
        // What was read stays hidden, so that every message is seen once.
        const { Messages = [] } = await client.send(
          new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 60 }),
        )
        expect(hits(JSON.stringify(Messages), [...tokens, ...claims, ...data])).toEqual([])
        isEmpty = Messages.length === 0
      }
    }
    client.destroy()
  })
  it('of a token are in anything that a client was told', () => {
    expect(seen).toContain(connectionId)
    expect(hits(seen, tokens)).toEqual([])
  })
})

describe('a log line', () => {
  it('is one JSON object of at most 8 KB without a control character, whatever was sent', () => {
    const lines = [...logs.values()].flat()
    expect(lines.length).toBeGreaterThan(30)
    expect(lines.filter((line) => !isLine(line))).toEqual([])
  })
  it('is never one that somebody else wrote', () => {
    const forged = [...logs.values()]
      .flat()
      .filter((line) => (JSON.parse(line) as { message?: unknown }).message === 'forged')
    expect(forged).toEqual([])
    // A client's name may be quoted at the terminal, within the runtime's own line and without what turns or breaks it.
    const lines = system.output().split('\n')
    expect(lines.filter((line) => /^\s*[{[]/.test(line))).toEqual([])
    expect(lines.filter((line) => /[\u0080-\u009f\u2028-\u202e\u2066-\u2069]/.test(line))).toEqual(
      [],
    )
  })
})

function isLine(line: string): boolean {
  if (Buffer.byteLength(line) > 8_192 || /[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/.test(line))
    return false
  try {
    return typeof JSON.parse(line) === 'object'
  } catch {
    return false
  }
}

function clientConfig() {
  return {
    endpoint: system.endpoints.aws,
    region: system.endpoints.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  }
}
