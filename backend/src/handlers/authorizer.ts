import { readConfig } from '../adapters/config.ts'
import { createDynamo } from '../adapters/dynamo-client.ts'
import { dynamoKeySets } from '../adapters/dynamo-key-sets.ts'
import { dynamoRevocationChecks } from '../adapters/dynamo-revocations.ts'
import { createTokenVerifier } from '../adapters/jose-token-verifier.ts'
import { systemClock } from '../adapters/system-clock.ts'
import { createTelemetry } from '../adapters/telemetry.ts'
import { metrics, services } from '../contract.ts'
import { authorize, toAuthorizerAnswer, type AuthorizerAnswer } from '../core/auth/authorize.ts'

const config = readConfig('connectionsTable', 'issuer', 'audience', 'jwksUri')
const telemetry = createTelemetry(services.authorizer)
const table = { client: createDynamo(), table: config.connectionsTable }
const store = dynamoKeySets(table, config.jwksUri)
const ports = {
  tokens: createTokenVerifier(config, { clock: systemClock, telemetry, store }),
  revocations: dynamoRevocationChecks(table),
}

/** What API Gateway gives a WebSocket authorizer, as far as it is used (APIGW-55–APIGW-57). */
interface AuthorizerEvent {
  readonly methodArn: string
  readonly headers?: Readonly<Record<string, string | undefined>> | null
  readonly requestContext: { readonly connectionId: string }
}

/** `$connect` authorizer: a policy, or an error of {@link toAuthorizerAnswer}. */
export async function handler(event: AuthorizerEvent): Promise<AuthorizerAnswer> {
  const { connectionId } = event.requestContext
  try {
    const decision = await authorize(event.headers, ports)
    const { outcome } = decision
    if (outcome === 'allowed') telemetry.metrics.count(metrics.connectAllowed)
    else if (outcome === 'undecided') telemetry.metrics.count(metrics.connectUndecided)
    else telemetry.metrics.count(metrics.connectDenied)
    const reason = outcome === 'allowed' ? 'TOKEN_VALID' : decision.reason
    telemetry.log.info('connect decided', { connectionId, outcome, reason })
    return toAuthorizerAnswer(decision, event.methodArn)
  } finally {
    telemetry.flush()
  }
}
