import { createRequire } from 'node:module'
import { compileFunction } from 'node:vm'
import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi'
import { DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb'
import { WebSocket } from 'ws'
import { fixtureResource, fixtureResources } from '../fixture/resources.ts'
import { named, runId, target, targetClient } from '../target.ts'
import type { Target } from '../target.ts'
import { openClient } from './client.ts'
import type { Client } from './client.ts'
import { rawUpgrade } from './raw-socket.ts'
import type { RawRequest, RawSocket } from './raw-socket.ts'
import { account, gatewayBench } from './support.ts'
import type { GatewayBench, GatewayEvent } from './support.ts'

/** What `$connect` of the fixture answers; a number is its status. */
export type ConnectBehaviour =
  | 'accept'
  | 'throw'
  | 'nothing'
  | 'text'
  | 'no status'
  | 'subprotocol'
  | 'header'
  | `${number}`

export interface OpenOptions {
  readonly connect?: ConnectBehaviour
  readonly path?: string
  readonly protocols?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
}

/** The WebSocket API of the fixture template, in this process or at the target. What its routes answer is in the template. */
export interface SocketWorld {
  /** Stage included. */
  readonly websocket: string
  readonly management: string
  readonly domainName: string
  readonly apiId: string
  readonly account: { readonly region: string; readonly accountId: string }
  readonly sdk: ApiGatewayManagementApiClient
  open(options?: OpenOptions): Promise<Client>
  raw(request?: RawRequest): Promise<RawSocket>
  /** What a route's function has got so far from the connections of this world; `connect`, `disconnect` and `default` without `$`. */
  events(route: string): Promise<readonly GatewayEvent[]>
  /** Resolves with the next of them that has not been awaited yet. */
  nextEvent(route: string): Promise<GatewayEvent>
  close(): Promise<void>
}

export function openSockets(): Promise<SocketWorld> {
  return target === undefined ? localSockets() : Promise.resolve(targetSockets(target))
}

let worlds = 0

/** Opens sockets that name their run to `$connect`, so that its events are found again. */
function dialling(websocket: string): Pick<SocketWorld, 'open' | 'raw'> & {
  readonly run: string
  readonly sockets: { terminate(): void }[]
} {
  const run = `${runId}-${process.pid}-${worlds++}`
  const sockets: { terminate(): void }[] = []
  return {
    run,
    sockets,
    open({ connect = 'accept', path = '', protocols = [], headers = {} } = {}) {
      const socket = new WebSocket(`${websocket}${path}`, [...protocols], {
        headers: { 'x-run': run, 'x-connect': connect, ...headers },
      })
      sockets.push(socket)
      return openClient(socket)
    },
    async raw(request = {}) {
      const more = [`x-run: ${run}`, ...(request.more ?? [])]
      const raw = await rawUpgrade(websocket, { ...request, more })
      sockets.push({ terminate: () => raw.socket.destroy() })
      return raw
    },
  }
}

async function localSockets(): Promise<SocketWorld> {
  const routes = fixtureResources('AWS::ApiGatewayV2::Route').map(({ properties }) => properties)
  const nameOf = ({ RouteKey }: Record<string, unknown>) => String(RouteKey).replace('$', '')
  const answer = fixtureAnswer()
  const bench: GatewayBench = await gatewayBench({
    handlers: Object.fromEntries(routes.map((route) => [nameOf(route), answer])),
    twoWay: routes.filter((route) => 'RouteResponseSelectionExpression' in route).map(nameOf),
  })
  const { websocket, management, apiId } = bench
  const { sockets, open, raw } = dialling(websocket)
  const { region, accountId } = account
  const sdk = new ApiGatewayManagementApiClient({
    endpoint: management,
    region,
    maxAttempts: 1,
    credentials: { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local' },
  })
  return {
    ...{ websocket, management, apiId, account: { region, accountId }, sdk, open, raw },
    domainName: `${apiId}.execute-api.${region}.amazonaws.com`,
    events: (route) => Promise.resolve(bench.events(route)),
    nextEvent: (route) => bench.nextEvent(route),
    async close() {
      for (const socket of sockets) socket.terminate()
      sdk.destroy()
      await bench.stop()
    },
  }
}

/** `exports.answer` of the fixture's function. */
function fixtureAnswer(): (event: GatewayEvent) => unknown {
  const { Code } = fixtureResource('Sockets').properties as {
    readonly Code: { readonly ZipFile: { readonly 'Fn::Join': readonly [string, string[]] } }
  }
  const [separator, lines] = Code.ZipFile['Fn::Join']
  const exports: { answer?: (event: GatewayEvent) => unknown } = {}
  const run = compileFunction(lines.join(separator), ['exports', 'require']) as (
    exports: object,
    require: NodeJS.Require,
  ) => void
  run(exports, createRequire(import.meta.url))
  if (!exports.answer) throw new TypeError('The function Sockets of the fixture exports no answer')
  return exports.answer
}

/** Between two looks at the table of events. */
const LOOK_MS = 100
/** A function that starts cold writes its first event after some seconds. */
const PATIENCE_MS = 20_000

function targetSockets(at: Target): SocketWorld {
  const { websocket, management } = at.endpoints
  if (websocket === undefined || management === undefined)
    throw new TypeError('The target has no WebSocket API: deploy the fixture again')
  const apiId = named(at.apis, 'SocketApi')
  const { run, sockets, open, raw } = dialling(websocket)
  const dynamo = new DynamoDBClient(targetClient(at))
  const sdk = new ApiGatewayManagementApiClient({
    ...targetClient(at),
    endpoint: management,
    maxAttempts: 1,
  })
  const events = async (route: string): Promise<readonly GatewayEvent[]> => {
    const found: GatewayEvent[] = []
    const pages = paginateQuery(
      { client: dynamo },
      {
        TableName: named(at.tables, 'SocketEvents'),
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :run',
        ExpressionAttributeValues: { ':run': { S: run } },
      },
    )
    for await (const { Items = [] } of pages)
      found.push(...Items.map(({ text }) => JSON.parse(text?.S ?? '') as GatewayEvent))
    return found.filter(({ requestContext }) => requestContext.routeKey.replace('$', '') === route)
  }
  return {
    ...{ websocket, management, apiId, sdk, open, raw, events },
    account: { region: at.region, accountId: at.account },
    domainName: `${apiId}.execute-api.${at.region}.amazonaws.com`,
    nextEvent: inOrder(events),
    close() {
      for (const socket of sockets) socket.terminate()
      sdk.destroy()
      dynamo.destroy()
      return Promise.resolve()
    },
  }
}

/** Looks until there is one more than were taken before. Rejects when patience ends. */
function inOrder(events: SocketWorld['events']): SocketWorld['nextEvent'] {
  const taken = new Map<string, number>()
  return async (route) => {
    const at = taken.get(route) ?? 0
    taken.set(route, at + 1)
    for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += LOOK_MS) {
      const event = (await events(route))[at]
      if (event) return event
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    throw new Error(`no event ${at + 1} of ${route} within ${PATIENCE_MS} ms`)
  }
}
