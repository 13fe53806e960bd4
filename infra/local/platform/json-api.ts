import { AwsError } from './errors.ts'
import { fields, type Fields } from './fields.ts'
import type { ApiHandler, ApiRequest, ApiResponse } from './types.ts'

/** One operation: typed access to its input; returns what becomes the JSON answer (undefined = empty body). */
export type JsonOperation = (input: Fields, request: ApiRequest) => unknown

/**
 * An {@link ApiHandler} for the AWS JSON 1.0 and 1.1 protocols. An operation that is not in the table answers
 * `UnknownOperationException` and names itself as not emulated; unreadable JSON answers `SerializationException`.
 */
export function jsonApi(
  signingNames: readonly string[],
  operations: Readonly<Record<string, JsonOperation>>,
  inputErrorCode = 'ValidationException',
): ApiHandler {
  return {
    signingNames,
    async handle(request) {
      const operation = operationOf(request, operations)
      const input = fields(
        parseJson(request.body),
        (message) => new AwsError(inputErrorCode, `${request.operation}: ${message}`),
      )
      return jsonResponse(await operation(input, request))
    },
  }
}

/** Status 200 with a JSON body; the front sets the content type of the request's protocol. */
export function jsonResponse(output: unknown): ApiResponse {
  return { status: 200, body: output === undefined ? '' : JSON.stringify(output) }
}

/** The operation that a request names. Throws {@link notEmulated} when the table has none. */
export function operationOf<Operation>(
  request: ApiRequest,
  operations: Readonly<Record<string, Operation>>,
): Operation {
  const operation = Object.hasOwn(operations, request.operation)
    ? operations[request.operation]
    : undefined
  if (!operation) throw notEmulated(request, Object.keys(operations))
  return operation
}

/** `UnknownOperationException` that says which operations the local service has. */
export function notEmulated(request: ApiRequest, known: readonly string[]): AwsError {
  return new AwsError(
    request.protocol === 'query' ? 'InvalidAction' : 'UnknownOperationException',
    `${request.service}:${request.operation || `${request.method} ${request.path}`} is not emulated on one machine; emulated: ${[...known].sort().join(', ')}`,
  )
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0) return {}
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new AwsError('SerializationException', 'The request body is not JSON', { cause })
  }
}
