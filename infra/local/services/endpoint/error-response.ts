import type { AwsError } from '../../platform/errors.ts'
import type { ApiRequest, ApiResponse } from '../../platform/types.ts'

type Protocol = ApiRequest['protocol']

/**
 * A failure in the shape of its protocol: JSON with `__type`, XML `ErrorResponse`, REST JSON with `x-amzn-ErrorType` (MGMT-9), CBOR map.
 * JSON and CBOR services answer a refusal with 400, query and REST services with 403.
 */
export function errorResponse(
  error: AwsError,
  call: { readonly protocol: Protocol; readonly requestId: string; readonly contentType: string },
): ApiResponse {
  const status = statusOf(error, call.protocol)
  const headers = { 'x-amzn-errortype': error.code, ...queryCompatible(error) }
  switch (call.protocol) {
    case 'query':
      return {
        status,
        headers: { ...headers, 'content-type': 'text/xml' },
        body: errorXml(error, status, call.requestId),
      }
    case 'rpc-v2-cbor':
      return {
        status,
        headers: {
          ...headers,
          'content-type': 'application/cbor',
          'smithy-protocol': 'rpc-v2-cbor',
        },
        body: cborTextMap({ __type: error.code, message: error.message }),
      }
    case 'json':
      return {
        status,
        headers: { ...headers, 'content-type': call.contentType },
        body: JSON.stringify({ __type: error.code, message: error.message, ...shownExtra(error) }),
      }
    case 'rest':
      return {
        status,
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ message: error.message, ...shownExtra(error) }),
      }
  }
}

function statusOf(error: AwsError, protocol: Protocol): number {
  if (error.code !== 'AccessDeniedException' && error.code !== 'AccessDenied') return error.status
  return protocol === 'json' || protocol === 'rpc-v2-cbor' ? 400 : 403
}

/** Services that moved from query to JSON keep the old code for old clients (`x-amzn-query-mode`). */
function queryCompatible(error: AwsError): Readonly<Record<string, string>> {
  const old = error.extra['queryErrorCode']
  return typeof old === 'string' ? { 'x-amzn-query-error': `${old};Sender` } : {}
}

function shownExtra(error: AwsError): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(error.extra).filter(([name]) => name !== 'queryErrorCode'),
  )
}

function errorXml(error: AwsError, status: number, requestId: string): string {
  const type = status >= 500 ? 'Receiver' : 'Sender'
  return `<ErrorResponse><Error><Type>${type}</Type><Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** RFC 8949: a map (major type 5) of text strings (major type 3). Errors need no more of CBOR. */
function cborTextMap(entries: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [Buffer.from([0xa0 + Object.keys(entries).length])]
  for (const text of Object.entries(entries).flat()) {
    const bytes = Buffer.from(text, 'utf8')
    const head = Buffer.from([0x79, bytes.length >> 8, bytes.length & 0xff])
    parts.push(head, bytes)
  }
  return Buffer.concat(parts)
}
