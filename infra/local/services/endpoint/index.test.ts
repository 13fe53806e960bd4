import { SQSClient, ListQueuesCommand } from '@aws-sdk/client-sqs'
import { SNSClient, ListTopicsCommand } from '@aws-sdk/client-sns'
import { LambdaClient, GetFunctionCommand } from '@aws-sdk/client-lambda'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../platform/clock.ts'
import { AwsError } from '../../platform/errors.ts'
import { createFaults } from '../../platform/faults.ts'
import type { ApiRequest } from '../../platform/types.ts'
import { createEndpoint, type Endpoint } from './index.ts'

const clock = manualClock()
const faults = createFaults({ clock })
const role = {
  principal: {
    arn: 'arn:aws:sts::000000000000:assumed-role/R/f',
    roleArn: 'arn:aws:iam::000000000000:role/R',
  },
  secretAccessKey: 'right',
}
const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Gaugeline' }

let endpoint: Endpoint
let seen: ApiRequest[]
let failure: AwsError | undefined
beforeEach(async () => {
  seen = []
  failure = undefined
  faults.clear()
  endpoint = createEndpoint({
    clock,
    account,
    faults,
    port: 0,
    principals: (accessKeyId) => (accessKeyId === 'KNOWN' ? role : undefined),
  })
  endpoint.mount({
    signingNames: ['sqs', 'sns', 'lambda', 'monitoring'],
    handle(request) {
      seen.push(request)
      if (failure) throw failure
      return Promise.resolve({ status: 200, body: '{}' })
    },
  })
  await endpoint.start()
})
afterEach(() => endpoint.stop())

const config = (accessKeyId = 'any', secretAccessKey = 'any') => ({
  endpoint: endpoint.url,
  region: 'eu-west-1',
  maxAttempts: 1,
  credentials: { accessKeyId, secretAccessKey },
})
const signed = (service: string): Record<string, string> => ({
  'x-amz-date': '20260101T000000Z',
  authorization: `AWS4-HMAC-SHA256 Credential=any/20260101/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=00`,
})

describe('a web page in a browser of this machine', () => {
  const forged =
    '/?Action=SetAlarmState&AlarmName=x&StateValue=OK&StateReason=y&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAANY/20260101/eu-west-1/monitoring/aws4_request&X-Amz-Date=20260101T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=00'

  it('gets nothing done with a signature that it made up, whatever its browser says about itself', async () => {
    for (const headers of [{}, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'none' }]) {
      const answer = await fetch(`${endpoint.url}${forged}`, { headers })
      expect(answer.status).toBe(403)
    }
    expect(seen).toEqual([])
  })

  it.each(['cross-site', 'same-site', 'same-origin'])(
    'is refused also with a header, and at the control paths (%s)',
    async (site) => {
      const headers = { ...signed('monitoring'), 'sec-fetch-site': site }
      expect((await fetch(endpoint.url, { headers })).status).toBe(403)
      endpoint.mountLocal('/_gaugeline/x', () => ({ status: 200, body: 'done' }))
      const control = await fetch(`${endpoint.url}/_gaugeline/x`, {
        headers: { 'sec-fetch-site': site },
      })
      expect(control.status).toBe(403)
      expect(seen).toEqual([])
    },
  )
})

describe('who calls', () => {
  it('takes an unknown access key for the local developer', async () => {
    await new SQSClient(config()).send(new ListQueuesCommand({}))
    expect(seen[0]).toMatchObject({
      service: 'sqs',
      operation: 'ListQueues',
      protocol: 'json',
      principal: { arn: 'arn:aws:iam::000000000000:user/local-developer' },
    })
  })

  it('gives a key it handed out its role when the signature is right', async () => {
    await new SQSClient(config('KNOWN', 'right')).send(new ListQueuesCommand({}))
    expect(seen[0]?.principal).toEqual(role.principal)
  })

  it('refuses a key it handed out with a wrong signature', async () => {
    await expect(
      new SQSClient(config('KNOWN', 'wrong')).send(new ListQueuesCommand({})),
    ).rejects.toMatchObject({
      name: 'InvalidSignatureException',
      $metadata: { httpStatusCode: 403 },
    })
    expect(seen).toEqual([])
  })

  it('refuses a call without credentials', async () => {
    const response = await fetch(endpoint.url, {
      method: 'POST',
      headers: { 'x-amz-target': 'AmazonSQS.ListQueues' },
    })
    expect(response.status).toBe(403)
    expect(response.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException')
  })
})

describe('pages of a browser', () => {
  it('refuses any Origin and any foreign Host', async () => {
    const response = await fetch(endpoint.url, {
      headers: { origin: 'https://evil.example', ...signed('sqs') },
    })
    expect(response.status).toBe(403)
    expect(await response.text()).toContain('https://evil.example')
    const { request } = await import('node:http')
    const status = await new Promise((resolve) => {
      request(
        endpoint.url,
        { headers: { host: 'rebound.example', ...signed('sqs') } },
        (answer) => {
          resolve(answer.statusCode)
          answer.resume()
        },
      ).end()
    })
    expect(status).toBe(403)
    expect(seen).toEqual([])
  })
})

describe('protocols', () => {
  it('reads the query protocol and answers its errors in XML', async () => {
    failure = new AwsError('NotFound', 'Topic <x> does not exist', { status: 404 })
    const answer = new SNSClient(config()).send(new ListTopicsCommand({}))
    await expect(answer).rejects.toMatchObject({
      message: 'Topic <x> does not exist',
      $metadata: { httpStatusCode: 404 },
    })
    expect(seen[0]).toMatchObject({ protocol: 'query', operation: 'ListTopics' })
  })

  it('leaves REST calls to the handler and answers their errors with the type in a header', async () => {
    failure = new AwsError('ResourceNotFoundException', 'no function f', { status: 404 })
    const answer = new LambdaClient(config()).send(new GetFunctionCommand({ FunctionName: 'f' }))
    await expect(answer).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    expect(seen[0]).toMatchObject({ protocol: 'rest', path: '/2015-03-31/functions/f' })
  })

  it('reads rpc-v2-cbor and answers its errors in CBOR', async () => {
    failure = new AwsError('Nope', 'no')
    const response = await fetch(`${endpoint.url}/service/G/operation/DescribeAlarms`, {
      method: 'POST',
      headers: { ...signed('monitoring'), 'smithy-protocol': 'rpc-v2-cbor' },
    })
    expect(seen[0]).toMatchObject({ protocol: 'rpc-v2-cbor', operation: 'DescribeAlarms' })
    const body = Buffer.from(await response.arrayBuffer())
    expect(body[0]).toBe(0xa2)
    expect(body.toString('latin1')).toContain('Nope')
  })

  it('names a service that is not emulated', async () => {
    const response = await fetch(endpoint.url, {
      method: 'POST',
      headers: { ...signed('athena'), 'x-amz-target': 'AmazonAthena.ListWorkGroups' },
    })
    expect(await response.json()).toMatchObject({
      __type: 'UnknownOperationException',
      message: expect.stringContaining('athena is not emulated') as string,
    })
  })

  it('answers services whose clients read XML in XML', async () => {
    const response = await fetch(`${endpoint.url}/`, { headers: signed('s3') })
    expect(await response.text()).toContain(
      '<Code>UnknownOperationException</Code><Message>The service s3 is not emulated',
    )
  })
})

describe('faults and control paths', () => {
  it('cuts the connection when an answer is dropped on purpose', async () => {
    faults.add({ seam: 'api.sqs', count: 1, fault: { kind: 'drop' } })
    await expect(new SQSClient(config()).send(new ListQueuesCommand({}))).rejects.toThrow()
    await expect(new SQSClient(config()).send(new ListQueuesCommand({}))).resolves.toBeDefined()
  })

  it('serves a mounted control path without a signature', async () => {
    endpoint.mountLocal('/_gaugeline/echo', ({ method, body }) => ({
      status: 200,
      body: `${method} ${body.toString()}`,
    }))
    const response = await fetch(`${endpoint.url}/_gaugeline/echo?x=1`, {
      method: 'POST',
      body: 'hi',
    })
    expect(await response.text()).toBe('POST hi')
  })

  it('says in one line that its port is taken', async () => {
    const port = Number(new URL(endpoint.url).port)
    const second = createEndpoint({ clock, account, port, principals: () => undefined })
    await expect(second.start()).rejects.toThrow(
      `Port ${port} of 127.0.0.1 for the AWS APIs is in use by another program.`,
    )
  })
})
