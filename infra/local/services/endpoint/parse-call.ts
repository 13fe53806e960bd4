import type { ApiRequest } from '../../platform/types.ts'

/** An HTTP request as it came, body read. Header names in lower case. */
export interface HttpCall {
  readonly method: string
  /** Path and query, still encoded. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

type ParsedCall = Pick<ApiRequest, 'operation' | 'protocol' | 'path' | 'query'>

const CBOR_PATH = /^\/service\/[^/]+\/operation\/([^/]+)$/

/**
 * Which operation a call means. JSON 1.0/1.1 name it in `X-Amz-Target`, the query protocol in `Action` (form body or URL),
 * rpc-v2-cbor in the path; for REST it is '' and the handler reads method and path. `query` holds the form fields for the query protocol.
 */
export function parseCall(call: HttpCall): ParsedCall {
  const separator = call.url.indexOf('?')
  const rawPath = separator < 0 ? call.url : call.url.slice(0, separator)
  const query = new URLSearchParams(separator < 0 ? '' : call.url.slice(separator + 1))
  const path = decodePath(rawPath)
  const target = call.headers['x-amz-target']
  if (target !== undefined) {
    return { operation: target.slice(target.lastIndexOf('.') + 1), protocol: 'json', path, query }
  }
  const cbor = CBOR_PATH.exec(path)
  if (cbor && call.headers['smithy-protocol'] === 'rpc-v2-cbor') {
    return { operation: cbor[1] ?? '', protocol: 'rpc-v2-cbor', path, query }
  }
  const form = formOf(call, query)
  const action = form.get('Action')
  if (action !== null) return { operation: action, protocol: 'query', path, query: form }
  return { operation: '', protocol: 'rest', path, query }
}

function formOf(call: HttpCall, query: URLSearchParams): URLSearchParams {
  const isForm = call.headers['content-type']?.startsWith('application/x-www-form-urlencoded')
  return isForm === true ? new URLSearchParams(call.body.toString('utf8')) : query
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
