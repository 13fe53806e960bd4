import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch'
import { BEARER_PREFIX, limits, SUBPROTOCOL } from '@gaugeline/backend/protocol'
import { setTimeout as sleep } from 'node:timers/promises'
import WebSocket from 'ws'
import { backoffMs } from '../../dashboard/src/stream/backoff.ts'
import { requestToken } from '../support/client.ts'
import { startSystem, type RunningSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'
import { busiestSecond, MOST_FETCHES, stormModel } from './storm-model.ts'
import { quantile, type Row } from './table.ts'

/** `GAUGELINE_STORM_SOCKETS=10000` is the storm; the short form fits a small machine. */
const sockets = Number(process.env['GAUGELINE_STORM_SOCKETS'] ?? 2_000)
/** While the sockets are opened for the first time; the storm itself paces itself. */
const OPENING = 64

interface Handshake {
  readonly endMs: number
  readonly isOpen: boolean
}

/** A dashboard as far as its socket goes: it is cut, waits as the dashboard does (full jitter), and comes back. */
class Client {
  readonly #url: string
  readonly #token: string
  readonly #onHandshake: (handshake: Handshake) => void
  socket: WebSocket | undefined

  constructor(url: string, token: string, onHandshake: (handshake: Handshake) => void) {
    this.#url = url
    this.#token = token
    this.#onHandshake = onHandshake
  }

  /** One handshake. Resolves with whether it was accepted. */
  async connect(): Promise<boolean> {
    const socket = new WebSocket(this.#url, [SUBPROTOCOL, BEARER_PREFIX + this.#token], {
      perMessageDeflate: false,
    })
    socket.on('error', () => undefined)
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('open', () => resolve(true))
      socket.once('close', () => resolve(false))
    })
    this.#onHandshake({ endMs: Date.now(), isOpen })
    if (isOpen) this.socket = socket
    return isOpen
  }

  /** Comes back after a cut; resolves with the milliseconds that it took. */
  async comeBack(): Promise<number> {
    const cutMs = Date.now()
    for (let attempt = 1; ; attempt++) {
      await sleep(backoffMs(attempt, Math.random))
      if (await this.connect()) return Date.now() - cutMs
    }
  }
}

/**
 * Every socket of a full house cut at once; each client comes back by the dashboard's own backoff. Limits: the (back within 60 s, at
 * most 500 new sockets a second, which is what API Gateway takes and refuses beyond: APIGW-96) and few fetches of the key set.
 */
export async function storm(): Promise<Row[]> {
  const system = await startSystem()
  const tried: Handshake[] = []
  const clients = await makeClients(system, (handshake) => tried.push(handshake))
  await openAll(clients)
  const fetchesBefore = await sumOf(system, 'JwksFetches')
  tried.length = 0
  for (const client of clients) client.socket?.terminate()
  const back = await Promise.all(clients.map((client) => client.comeBack()))
  const fetches = await settled(system, fetchesBefore)
  for (const client of clients) client.socket?.terminate()
  await system.stop()
  return [
    ...(await stormModel()),
    row(`${sockets} sockets back on this machine`, Math.max(...back) / 1_000, 's', 60),
    row('a socket back, p50', quantile(back, 0.5) / 1_000, 's', 60),
    row(
      'sockets opened in the busiest second',
      busiestSecond(tried.filter(({ isOpen }) => isOpen).map(({ endMs }) => endMs)),
      '',
      500,
    ),
    row('handshakes per socket', tried.length / sockets, '', 6),
    row('key set fetches', fetches, '', MOST_FETCHES),
  ]
}

function row(figure: string, value: number, unit: string, limit: number): Row {
  return { figure, value, unit, against: 'limit', limit }
}

/** As many users as the cap of sockets per user asks for. */
async function makeClients(
  system: RunningSystem,
  onHandshake: (handshake: Handshake) => void,
): Promise<Client[]> {
  // Half of the cap: while the `$disconnect` of a cut socket is still waiting, its row counts.
  const perUser = limits.connectionsPerUser / 2
  const clients: Client[] = []
  for (let user = 0; clients.length < sockets; user++) {
    const token = await requestToken(system, { user: `storm-${user}`, roles: ['viewer'] })
    const left = Math.min(perUser, sockets - clients.length)
    for (let i = 0; i < left; i++) {
      clients.push(new Client(system.endpoints.websocket, token, onHandshake))
    }
  }
  return clients
}

async function openAll(clients: readonly Client[]): Promise<void> {
  const waiting = [...clients]
  const worker = async (): Promise<void> => {
    for (let client = waiting.pop(); client; client = waiting.pop()) {
      while (!(await client.connect())) await sleep(backoffMs(3, Math.random))
    }
  }
  await Promise.all(Array.from({ length: OPENING }, worker))
}

/** Fetches of the storm alone, once the metrics of its handshakes have arrived. */
async function settled(system: RunningSystem, before: number): Promise<number> {
  await waitFor(
    async () => (await sumOf(system, 'ConnectAllowed')) >= 2 * sockets,
    'the metrics of the storm',
    60_000,
  )
  return (await sumOf(system, 'JwksFetches')) - before
}

async function sumOf({ endpoints }: RunningSystem, MetricName: string): Promise<number> {
  const client = new CloudWatchClient({
    endpoint: endpoints.aws,
    region: endpoints.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  const { Datapoints = [] } = await client.send(
    new GetMetricStatisticsCommand({
      Namespace: 'Gaugeline',
      MetricName,
      Dimensions: [{ Name: 'service', Value: 'authorizer' }],
      StartTime: new Date(Date.now() - 3_600_000),
      EndTime: new Date(Date.now() + 60_000),
      Period: 60,
      Statistics: ['Sum'],
    }),
  )
  client.destroy()
  return Datapoints.reduce((sum, { Sum = 0 }) => sum + Sum, 0)
}
