import { connect } from 'node:net'
import type { StreamPut } from '../../../infra/local/platform/types.ts'
import { rawConnect, type RawClient } from '../../conformance/iot/raw-client.ts'
import { create, startIot, telemetryRule, type IotBench } from '../../conformance/iot/support.ts'
import { waitFor } from '../../support/wait.ts'
import { bytesOf, connectPacket } from './packets.ts'
import { TOPIC, type TableRow } from './row.ts'

const arn = (resource: string): string => `arn:aws:iot:eu-west-1:000000000000:${resource}`
const THING = '${iot:Connection.Thing.ThingName}'
const SITE = '${iot:Connection.Thing.Attributes[site]}'
const allow = (Action: string, resource: string) => ({
  Effect: 'Allow',
  Action,
  Resource: arn(resource),
})
/** As the product's: a device is itself and nobody else. */
const DEVICE_POLICY = {
  Version: '2012-10-17',
  Statement: [
    allow('iot:Connect', `client/${THING}`),
    allow('iot:Publish', `topic/dt/${SITE}/${THING}/telemetry`),
    allow('iot:Subscribe', `topicfilter/cmd/${SITE}/${THING}/*`),
  ],
}
const PRESENCE_SQL =
  "SELECT 'presence' AS kind, topic() AS topic, clientid() AS clientId, timestamp() AS ts, encode(*, 'base64') AS data FROM '$aws/events/presence/+/+'"

/** A real broker with the product's device policy and rules, and clients that send what no library would. */
export interface BrokerBench {
  readonly iot: IotBench
  /** Connects as the row says. */
  client(row: Pick<TableRow, 'as' | 'connect' | 'will' | 'topic'>): Promise<RawClient>
  /** Says something to the port that may be no MQTT: the CONNACK's return code, or `closed` when it hangs up without one. */
  greet(bytes: Buffer): Promise<number | 'closed'>
  connectPacket(version: 4 | 5): Buffer
  /** What the telemetry rule put on the stream so far. */
  telemetry(): readonly StreamPut[]
  /** Why the last connection ended, as its presence says. */
  disconnectReason(): Promise<string>
  /** Forgets the presence events so far. */
  forgetPresence(): void
  /** Names of the metrics of refusals that were counted since the last call. */
  refusals(): Promise<readonly string[]>
}

export async function startBrokerBench(): Promise<BrokerBench> {
  const iot = await startIot()
  create(iot.iot, 'AWS::IoT::TopicRule', telemetryRule())
  create(iot.iot, 'AWS::IoT::TopicRule', {
    ...telemetryRule({ Sql: PRESENCE_SQL }),
    RuleName: 'Presence',
  })
  create(iot.iot, 'AWS::IoT::Policy', { PolicyName: 'device', PolicyDocument: DEVICE_POLICY })
  let serial = 0
  let presenceFrom = 0
  let metricsFrom = 0
  const newClientId = (): string => `client-${++serial}`
  const presence = (): readonly StreamPut[] => iot.puts.slice(presenceFrom).filter(isOf('presence'))
  return {
    iot,
    async client({ as, connect: how, will, topic = TOPIC }) {
      // A client id connects once in a second (IOT-6).
      await iot.clock.advance(1_100)
      return rawConnect(iot.iot.mqttPort(), {
        clientId: how?.clientId ?? (as === 'thing' ? 'd1' : newClientId()),
        ...(as === 'thing' ? { username: 'thing:plant-1/d1' } : {}),
        ...(will === undefined ? {} : { will: { topic, payload: bytesOf(will), qos: 1 as const } }),
      })
    },
    greet: (bytes) => greet(iot.iot.mqttPort(), bytes),
    connectPacket: (version) => connectPacket(version, newClientId()),
    telemetry: () => iot.puts.filter(isOf('telemetry')),
    async disconnectReason() {
      const last = await waitFor(
        () => presence().findLast((put) => topicOf(put).includes('/disconnected/')),
        'the end of the connection',
      )
      return String(detailsOf(last)['disconnectReason'])
    },
    forgetPresence: () => void (presenceFrom = iot.puts.length),
    async refusals() {
      // Counters are handed on once a second.
      await iot.clock.advance(1_000)
      const names = iot.metrics.slice(metricsFrom).map((datum) => datum.name)
      metricsFrom = iot.metrics.length
      return [...new Set(names.filter((name) => /\.(?:Auth|Client)Error$/.test(name)))]
    },
  }
}

function greet(port: number, bytes: Buffer): Promise<number | 'closed'> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (answer) => {
      resolve(answer[0] === 0x20 ? (answer[3] ?? 0) : 'closed')
      socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      resolve('closed')
    })
  })
}

interface RuleOutput {
  readonly kind: string
  readonly topic: string
  readonly ts: number
  readonly data: string
}

/** What a rule wrote. */
export function ruleOutput({ data }: StreamPut): RuleOutput {
  return JSON.parse(Buffer.from(data).toString()) as RuleOutput
}

const isOf = (kind: string) => (put: StreamPut) => ruleOutput(put).kind === kind
const topicOf = (put: StreamPut): string => ruleOutput(put).topic
const detailsOf = (put: StreamPut): Record<string, unknown> =>
  JSON.parse(Buffer.from(ruleOutput(put).data, 'base64').toString()) as Record<string, unknown>
