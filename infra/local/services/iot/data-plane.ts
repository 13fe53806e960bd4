import { randomUUID } from 'node:crypto'
import { AwsError } from '../../platform/errors.ts'
import { letHappen } from '../../platform/seam.ts'
import type {
  Account,
  ApiHandler,
  ApiRequest,
  ApiResponse,
  Authorization,
  Clock,
  Faults,
} from '../../platform/types.ts'
import { lost, type MqttBroker } from './broker.ts'
import type { Counters } from './counters.ts'
import { limits, topicProblem } from './limits.ts'
import type { RulesEngine } from './rules.ts'
import { parseBasicIngest } from './topics.ts'

interface DataPlaneOptions {
  readonly account: Account
  readonly authorization: Authorization
  readonly broker: MqttBroker
  readonly rules: RulesEngine
  readonly counters: Counters
  readonly faults: Faults
  readonly clock: Clock
}

type Route = (
  request: ApiRequest,
  name: string,
  options: DataPlaneOptions,
) => Promise<ApiResponse> | ApiResponse

const ROUTES: readonly { readonly method: string; readonly prefix: string; readonly run: Route }[] =
  [
    { method: 'POST', prefix: '/topics/', run: publish },
    { method: 'GET', prefix: '/retainedMessage/', run: getRetained },
    { method: 'GET', prefix: '/retainedMessage', run: listRetained },
    { method: 'DELETE', prefix: '/connections/', run: deleteConnection },
  ]

/** The IoT data plane (IOT-65–IOT-71). */
export function dataPlane(options: DataPlaneOptions): ApiHandler {
  return {
    signingNames: ['iotdata', 'iotdevicegateway'],
    async handle(request) {
      const known = ROUTES.filter((route) => request.path.startsWith(route.prefix))
      const route = known.find((candidate) => candidate.method === request.method)
      if (route) return route.run(request, request.path.slice(route.prefix.length), options)
      if (known.length > 0) {
        throw new AwsError('MethodNotAllowedException', `${request.method} is not allowed here.`, {
          status: 405,
        })
      }
      if (/^\/(things|api\/things)\//.test(request.path)) {
        throw new AwsError(
          'InvalidRequestException',
          'Device shadows are not emulated on one machine; use AWS for them.',
        )
      }
      throw new AwsError(
        'ResourceNotFoundException',
        `There is no ${request.path} in the IoT data plane.`,
        { status: 404 },
      )
    },
  }
}

async function publish(
  request: ApiRequest,
  topic: string,
  options: DataPlaneOptions,
): Promise<ApiResponse> {
  const count = (name: string): void => {
    options.counters.count(`PublishIn.${name}`, { Protocol: 'HTTP' })
  }
  authorize(request, 'iot:Publish', `topic/${topic}`, options)
  const retain = request.query.get('retain') === 'true'
  if (retain) authorize(request, 'iot:RetainPublish', `topic/${topic}`, options)
  const qos = qosOf(request.query.get('qos') ?? '0')
  const ingest = parseBasicIngest(topic)
  const problem =
    topicProblem(ingest?.topic ?? topic) ??
    (topic.startsWith('$') && !ingest ? `${topic} is reserved` : undefined)
  if (problem !== undefined) {
    count('ClientError')
    throw new AwsError('InvalidRequestException', `The message is refused: ${problem}.`)
  }
  if (request.body.length > limits.payloadBytes) {
    count('ClientError')
    throw new AwsError('RequestEntityTooLargeException', 'The payload is larger than 128 KB.', {
      status: 413,
    })
  }
  const extraTimes = await passPublishSeam(options, topic)
  count('Success')
  const traceId = randomUUID()
  const take = async (): Promise<void> => {
    if (!ingest) {
      await options.broker.publish(topic, request.body, { qos, retain })
      return
    }
    const isKept = await options.rules.processNamed(ingest.ruleName, {
      topic: ingest.topic,
      payload: request.body,
      timestampMs: options.clock.now(),
      traceId,
    })
    if (isKept === false) throw lost(topic)
  }
  for (let times = 0; times < extraTimes; times++) await take()
  await take()
  return json({ message: 'OK', traceId })
}

/** Seam `iotdata.Publish`, with this API's own errors (IOT-68). Returns how many more times the message comes. */
async function passPublishSeam({ faults, clock }: DataPlaneOptions, topic: string) {
  const fault = faults.at('iotdata.Publish', topic)
  if (fault?.kind === 'throttle')
    throw new AwsError('ThrottlingException', 'Rate exceeded', { status: 429 })
  if (fault?.kind === 'error')
    return letHappen({ code: 'InternalFailureException', ...fault }, clock)
  return fault ? letHappen(fault, clock) : 0
}

function getRetained(request: ApiRequest, topic: string, options: DataPlaneOptions): ApiResponse {
  authorize(request, 'iot:GetRetainedMessage', `topic/${topic}`, options)
  const message = options.broker.retained.get(topic)
  if (!message) {
    throw new AwsError('ResourceNotFoundException', `No retained message on ${topic}.`, {
      status: 404,
    })
  }
  return json({
    topic,
    payload: message.payload.toString('base64'),
    qos: message.qos,
    lastModifiedTime: message.lastModifiedMs,
  })
}

const PAGE = 200

function listRetained(request: ApiRequest, _: string, options: DataPlaneOptions): ApiResponse {
  authorize(request, 'iot:ListRetainedMessages', '*', options)
  const size = Math.min(PAGE, Number(request.query.get('maxResults') ?? PAGE))
  const after = request.query.get('nextToken') ?? ''
  const rest = options.broker.retained.list().filter((message) => message.topic > after)
  const page = rest.slice(0, size)
  const last = page.at(-1)
  return json({
    retainedTopics: page.map((message) => ({
      topic: message.topic,
      payloadSize: message.payload.length,
      qos: message.qos,
      lastModifiedTime: message.lastModifiedMs,
    })),
    ...(rest.length > size && last ? { nextToken: last.topic } : {}),
  })
}

function deleteConnection(
  request: ApiRequest,
  clientId: string,
  options: DataPlaneOptions,
): ApiResponse {
  authorize(request, 'iot:DeleteConnection', `client/${clientId}`, options)
  const preventWill = request.query.get('preventWillMessage') === 'true'
  if (!options.broker.disconnect(clientId, { preventWill })) {
    throw new AwsError('ResourceNotFoundException', `No client ${clientId} is connected.`, {
      status: 404,
    })
  }
  return json({ message: 'OK' })
}

/** IOT-67: a refusal is UnauthorizedException, 401. */
function authorize(
  request: ApiRequest,
  action: string,
  resource: string,
  options: DataPlaneOptions,
): void {
  const { region, accountId } = options.account
  const arn = resource === '*' ? '*' : `arn:aws:iot:${region}:${accountId}:${resource}`
  if (options.authorization.isAllowed(request.principal, action, arn)) return
  options.counters.count('PublishIn.AuthError', { Protocol: 'HTTP' })
  throw new AwsError(
    'UnauthorizedException',
    `${request.principal.arn} is not authorized to perform ${action} on ${arn}.`,
    { status: 401 },
  )
}

function qosOf(text: string): 0 | 1 {
  if (text === '0') return 0
  if (text === '1') return 1
  throw new AwsError('InvalidRequestException', `qos is 0 or 1, not ${text}.`)
}

function json(body: unknown): ApiResponse {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
}
