import { AwsError } from './errors.ts'
import { isObject } from './fields.ts'
import { operationOf } from './json-api.ts'
import type { ApiHandler, ApiRequest } from './types.ts'

/**
 * One operation of the query protocol: the form in, the members of `<Operation>Result` out. Lists become `<member>`, a Map becomes
 * `<entry><key/><value/></entry>`, undefined members are left out.
 */
export type QueryOperation = (
  form: URLSearchParams,
  request: ApiRequest,
) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>

/** An {@link ApiHandler} for the AWS query protocol (form in, XML out). `namespace`: the `xmlns` of the answers. */
export function queryApi(
  signingNames: readonly string[],
  namespace: string,
  operations: Readonly<Record<string, QueryOperation>>,
): ApiHandler {
  return {
    signingNames,
    async handle(request) {
      const operation = operationOf(request, operations)
      if (request.protocol !== 'query') {
        throw new AwsError('InvalidAction', `${request.service} speaks the query protocol`)
      }
      const result = await operation(request.query, request)
      const name = request.operation
      const body = `<${name}Response xmlns="${namespace}"><${name}Result>${membersXml(result)}</${name}Result><ResponseMetadata><RequestId>${request.requestId}</RequestId></ResponseMetadata></${name}Response>`
      return { status: 200, headers: { 'content-type': 'text/xml' }, body }
    },
  }
}

function membersXml(members: Readonly<Record<string, unknown>>): string {
  return Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<${name}>${valueXml(value)}</${name}>`)
    .join('')
}

function valueXml(value: unknown): string {
  if (Array.isArray(value)) return value.map((one) => `<member>${valueXml(one)}</member>`).join('')
  if (value instanceof Map) {
    return [...value]
      .map(
        ([key, one]) => `<entry><key>${valueXml(key)}</key><value>${valueXml(one)}</value></entry>`,
      )
      .join('')
  }
  return isObject(value) ? membersXml(value) : escapeXml(String(value))
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"\r]/g, (character) => `&#${character.charCodeAt(0)};`)
}
