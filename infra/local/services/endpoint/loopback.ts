import type { ApiResponse } from '../../platform/types.ts'
import type { HttpCall } from './parse-call.ts'

const LOCAL_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i

/**
 * The refusal of a call that a web page could have made a browser send: a foreign `Host` (DNS rebinding), any `Origin`, or, since a browser
 * sends none with a plain GET (a picture, a link), a `Sec-Fetch-Site` (W3C Fetch Metadata) of anything but the person's own act. No AWS SDK
 * or tool sends either. Undefined = let it in.
 */
export function refusal(call: HttpCall): ApiResponse | undefined {
  const host = call.headers['host'] ?? ''
  if (!LOCAL_HOST.test(host)) {
    return forbidden(`Host ${host} is not this machine; use 127.0.0.1 or localhost.`)
  }
  const origin = call.headers['origin']
  if (origin !== undefined) {
    return forbidden(`A page of ${origin} may not call the local AWS APIs; use a tool or an SDK.`)
  }
  const site = call.headers['sec-fetch-site'] ?? 'none'
  if (site !== 'none') {
    return forbidden(`A page (${site}) may not call the local AWS APIs; use a tool or an SDK.`)
  }
  return undefined
}

function forbidden(message: string): ApiResponse {
  return {
    status: 403,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message }),
  }
}
