import type { Endpoints } from '../../infra/local/start/endpoints.ts'

/**
 * One JSON-protocol call of an emulated AWS API, as the AWS CLI makes it with whatever credentials a developer has. Throws with what the
 * service said when it refuses.
 */
async function awsCall<T>(
  endpoints: Endpoints,
  { service, target, input }: { service: string; target: string; input: object },
): Promise<T> {
  const scope = `test/20260101/${endpoints.region}/${service}/aws4_request`
  const response = await fetch(endpoints.aws, {
    method: 'POST',
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-date': '20260101T000000Z',
      'x-amz-target': target,
    },
    body: JSON.stringify(input),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${target} was refused: ${text}`)
  return JSON.parse(text) as T
}

/** Every event of every log group: group name → messages, oldest first. */
export async function readLogs(endpoints: Endpoints): Promise<ReadonlyMap<string, string[]>> {
  const call = <T>(operation: string, input: object): Promise<T> =>
    awsCall(endpoints, { service: 'logs', target: `Logs_20140328.${operation}`, input })
  const { logGroups } = await call<{ logGroups: { logGroupName: string }[] }>(
    'DescribeLogGroups',
    {},
  )
  const all = new Map<string, string[]>()
  for (const { logGroupName } of logGroups) {
    const messages: string[] = []
    let nextToken: string | undefined
    do {
      const page = await call<{ events: { message: string }[]; nextToken?: string }>(
        'FilterLogEvents',
        { logGroupName, nextToken },
      )
      messages.push(...page.events.map(({ message }) => message))
      nextToken = page.nextToken
    } while (nextToken !== undefined)
    all.set(logGroupName, messages)
  }
  return all
}
