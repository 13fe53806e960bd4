import type { FaultControl } from './platform/faults.ts'
import { readFaultRule } from './platform/faults.ts'
import type { ApiResponse } from './platform/types.ts'
import { isRecord } from './template/template.ts'

/** Where other processes put faults in: `POST /_gaugeline/faults` on the AWS front. */
export const FAULTS_PATH = '/_gaugeline/faults'

const answer = (status: number, value: unknown): ApiResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})

function change(faults: FaultControl, body: Buffer): void {
  const request: unknown = JSON.parse(body.toString('utf8'))
  if (!isRecord(request)) throw new TypeError('an object {"seed", "rules"} was expected')
  const { seed, rules = [] } = request
  if (seed !== undefined && typeof seed !== 'number') throw new TypeError('seed must be a number')
  if (!Array.isArray(rules)) throw new TypeError('rules must be a list')
  const wanted = rules.map(readFaultRule)
  if (seed !== undefined) faults.clear(seed)
  for (const rule of wanted) faults.add(rule)
}

/**
 * GET: the rules and what they did. POST `{"seed"?, "rules"?}`: adds rules; with a seed, starts over from it. DELETE: no faults any more.
 * Each answers the report; a wrong request 400 with the reason, and changes nothing.
 */
export function faultEndpoint(
  faults: FaultControl,
): (call: { readonly method: string; readonly body: Buffer }) => ApiResponse {
  return ({ method, body }) => {
    try {
      if (method === 'POST') change(faults, body)
      else if (method === 'DELETE') faults.clear()
      else if (method !== 'GET') return answer(405, { message: 'GET, POST or DELETE' })
      return answer(200, { rules: faults.report() })
    } catch (error) {
      if (error instanceof TypeError || error instanceof SyntaxError) {
        return answer(400, { message: error.message })
      }
      throw error
    }
  }
}
