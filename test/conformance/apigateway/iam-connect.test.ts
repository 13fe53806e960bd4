import { afterEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../infra/local/platform/clock.ts'
import { signerOf } from './signing.ts'
import { gatewayBench } from './support.ts'
import type { BenchOptions, GatewayBench } from './support.ts'

let bench: GatewayBench
afterEach(() => bench.stop())

const ok = () => ({ statusCode: 200 })
const key = { accessKeyId: 'ASIAROLE', secretAccessKey: 'role-secret' }
const arn = 'arn:aws:sts::000000000000:assumed-role/viewer/ana'

/** A stage whose `$connect` asks for AWS_IAM, and that gave out one key. */
async function iamBench(options: BenchOptions & { allows?: boolean; asked?: string[] } = {}) {
  const { allows = true, asked = [], ...rest } = options
  bench = await gatewayBench({
    handlers: { connect: ok },
    connectRoute: { AuthorizationType: 'AWS_IAM' },
    principals: (accessKeyId) =>
      accessKeyId === key.accessKeyId
        ? { principal: { arn, roleArn: 'role' }, secretAccessKey: key.secretAccessKey }
        : undefined,
    authorization: {
      check: () => undefined,
      isAllowed: (_, action, resource) => {
        asked.push(`${action} ${resource}`)
        return allows
      },
      credentialsFor: () => ({ accessKeyId: '', secretAccessKey: '', sessionToken: '' }),
    },
    ...rest,
  })
}

interface Signing {
  readonly secretAccessKey?: string
  readonly service?: string
  readonly signingDate?: Date
}

const signer = ({ secretAccessKey = key.secretAccessKey, service = 'execute-api' }: Signing) =>
  signerOf({ credentials: { ...key, secretAccessKey }, region: 'eu-west-1', service })

const request = () => {
  const { hostname, host, pathname } = new URL(bench.websocket)
  return { method: 'GET', protocol: 'ws:', hostname, path: pathname, headers: { host } }
}

/** The query of a presigned address, as a browser would open it. */
async function signedQuery(signing: Signing = {}): Promise<string> {
  const { query = {} } = await signer(signing).presign(
    { ...request(), query: {} },
    { expiresIn: 60, ...(signing.signingDate && { signingDate: signing.signingDate }) },
  )
  return `?${new URLSearchParams(query as Record<string, string>).toString()}`
}

const statusOf = (open: Parameters<GatewayBench['open']>[0]) =>
  bench.open(open).then(
    () => 101,
    (error: unknown) => (error as { status: number }).status,
  )

describe('AWS_IAM on $connect', () => {
  it('APIGW-73: a signed query opens the socket, allowed execute-api:Invoke on the ARN of $connect', async () => {
    const asked: string[] = []
    await iamBench({ asked })
    expect(await statusOf({ path: await signedQuery() })).toBe(101)
    expect(asked).toEqual([
      `execute-api:Invoke arn:aws:execute-api:eu-west-1:000000000000:${bench.apiId}/prod/$connect`,
    ])
    expect(bench.events('connect')).toHaveLength(1)
  })

  it('APIGW-73: signed headers do as well', async () => {
    await iamBench()
    const { headers } = await signer({}).sign(request())
    expect(await statusOf({ headers })).toBe(101)
  })

  it.each<[string, () => Promise<string> | string]>([
    ['no signature', () => ''],
    ['a signature with another secret', () => signedQuery({ secretAccessKey: 'other' })],
    ['a signature for another service', () => signedQuery({ service: 'iotdevicegateway' })],
    [
      'a signature that has expired',
      () => signedQuery({ signingDate: new Date(Date.now() - 61_000) }),
    ],
    ['a query that was not signed', async () => `${await signedQuery()}&more=1`],
  ])('APIGW-73, APIGW-21: %s is 403 and $connect does not run', async (_, path) => {
    await iamBench()
    expect(await statusOf({ path: await path() })).toBe(403)
    expect(bench.events('connect')).toEqual([])
    expect(bench.gateway.connectionCount()).toBe(0)
  })

  it('APIGW-73, APIGW-21: a role that may not invoke the API is 403', async () => {
    await iamBench({ allows: false })
    await expect(bench.open({ path: await signedQuery() })).rejects.toMatchObject({
      status: 403,
      body: expect.stringContaining(
        `${arn} is not authorized to perform: execute-api:Invoke`,
      ) as string,
    })
    expect(bench.events('connect')).toEqual([])
  })

  it('APIGW-73: the age of a signature is told by the clock of those who sign', async () => {
    const signingClock = manualClock(Date.now())
    await iamBench({ signingClock })
    const path = await signedQuery()
    expect(await statusOf({ path })).toBe(101)
    await signingClock.advance(61_000)
    expect(await statusOf({ path })).toBe(403)
  })
})
