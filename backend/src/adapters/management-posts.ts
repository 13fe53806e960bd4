import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import type { PostOutcome, Posts } from '../core/dispatch/ports.ts'
import { withoutUserAgent } from './user-agent.ts'

/**
 * Posts for the fan-out: one attempt (the SDK would spend 2 s on a 429), sockets kept open, ended by the caller (PostToConnection has no
 * deadline). The endpoint comes from the standard variable (MGMT-16).
 */
export function managementPosts(): Posts {
  const agent = { keepAlive: true, maxSockets: 64 }
  const client = withoutUserAgent(
    new ApiGatewayManagementApiClient({
      maxAttempts: 1,
      requestHandler: new NodeHttpHandler({
        httpAgent: new Agent(agent),
        httpsAgent: new SecureAgent(agent),
      }),
    }),
  )
  return {
    async post(connectionId, message, signal) {
      const command = new PostToConnectionCommand({ ConnectionId: connectionId, Data: message })
      try {
        await client.send(command, { abortSignal: signal })
        return 'ok'
      } catch (error) {
        return outcomeOf(error)
      }
    },
  }
}

/** By HTTP status first: the name is "Unknown" when the error header is missing (MGMT-9, MEASURE-1). */
function outcomeOf(error: unknown): PostOutcome {
  const { name, $metadata: metadata } = error as {
    name?: string
    $metadata?: { httpStatusCode?: number }
  }
  const status = metadata?.httpStatusCode
  if (status === 410 || name === 'GoneException') return 'gone'
  if (status === 429 || name === 'LimitExceededException') return 'throttled'
  if (status === 403 || name === 'ForbiddenException') return 'forbidden'
  // The caller's patience. The SDK's TimeoutError is a reset socket (MEASURE-1).
  return name === 'AbortError' ? 'slow' : 'failed'
}
