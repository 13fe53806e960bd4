import { AwsError } from '../../platform/errors.ts'
import type { Account, Clock, Functions } from '../../platform/types.ts'
import type { IntegrationFacts } from './access-log.ts'

/** What a proxy integration may answer. */
export interface ProxyResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string | undefined
}

export type IntegrationOutcome =
  | { readonly kind: 'answered'; readonly payload: unknown; readonly facts: IntegrationFacts }
  | {
      readonly kind: 'failed'
      /** `permission`: no AWS::Lambda::Permission or no such function (CFN-9). */
      readonly why: 'function' | 'timeout' | 'throttled' | 'permission'
      readonly errorMessage: string
      readonly facts: IntegrationFacts
    }

export type InvokeIntegration = (call: {
  readonly functionArn: string
  readonly timeoutMs: number
  readonly event: object
  /** `{apiId}/{stage}/{routeKey}` or `{apiId}/authorizers/{id}` (CFN-9). */
  readonly source: string
  /** Aborted when nobody is left to be answered: what no environment has begun by then is not run. */
  readonly abandoned?: AbortSignal
}) => Promise<IntegrationOutcome>

/** Calls functions as API Gateway does: with its service principal, for at most the integration's timeout (APIGW-94). Never rejects. */
export function integrationInvoker(options: {
  readonly account: Account
  readonly clock: Clock
  readonly functions: Functions
}): InvokeIntegration {
  const { account, clock, functions } = options
  return async ({ functionArn, timeoutMs, event, source, abandoned }) => {
    const startedMs = clock.monotonic()
    let cancel: () => void = () => undefined
    const caller = new AbortController()
    const leave = (): void => {
      caller.abort()
    }
    abandoned?.addEventListener('abort', leave)
    const latency = () => ({ latencyMs: clock.monotonic() - startedMs })
    // APIGW-94: the function keeps running when its time is up; nobody waits for it. One that has not begun need not.
    const timeout = new Promise<IntegrationOutcome>((resolve) => {
      cancel = clock.after(timeoutMs, () => {
        leave()
        const error = 'Endpoint request timed out'
        resolve({
          kind: 'failed',
          why: 'timeout',
          errorMessage: error,
          facts: { ...latency(), error, status: 504 },
        })
      })
    })
    const sourceArn = `arn:aws:execute-api:${account.region}:${account.accountId}:${source}`
    const call = functions
      .invoke({
        functionName: functionArn,
        payload: event,
        abandoned: caller.signal,
        invokedBy: { service: 'apigateway.amazonaws.com', sourceArn },
      })
      .then((result): IntegrationOutcome => {
        const facts = { ...latency(), requestId: result.requestId, status: 200 }
        if (result.functionError === undefined)
          return { kind: 'answered', payload: result.payload, facts }
        const errorMessage = errorMessageOf(result.payload)
        return {
          kind: 'failed',
          why: 'function',
          errorMessage,
          facts: { ...facts, error: errorMessage },
        }
      })
      .catch((error: unknown): IntegrationOutcome => {
        const code = error instanceof AwsError ? error.code : ''
        const throttled = code === 'TooManyRequestsException'
        const errorMessage = error instanceof Error ? error.message : String(error)
        return {
          kind: 'failed',
          why: throttled ? 'throttled' : isRefusal(code) ? 'permission' : 'function',
          errorMessage,
          facts: { ...latency(), error: errorMessage, status: throttled ? 429 : 500 },
        }
      })
    const outcome = await Promise.race([call, timeout])
    cancel()
    abandoned?.removeEventListener('abort', leave)
    return outcome
  }
}

const isRefusal = (code: string) =>
  code === 'AccessDeniedException' || code === 'ResourceNotFoundException'

function errorMessageOf(payload: unknown): string {
  const message = (payload as { readonly errorMessage?: unknown } | null)?.errorMessage
  return typeof message === 'string' ? message : 'Unknown error'
}

/** The answer as a proxy response; undefined when it is none (no numeric `statusCode`, a body that is no string). */
export function proxyResponse(payload: unknown): ProxyResponse | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined
  const { statusCode, headers, body } = payload as Record<string, unknown>
  const status = Number(statusCode)
  if (statusCode === undefined || !Number.isInteger(status)) return undefined
  if (body !== undefined && body !== null && typeof body !== 'string') return undefined
  return {
    statusCode: status,
    headers: (headers as ProxyResponse['headers'] | undefined) ?? {},
    body: body ?? undefined,
  }
}
