import {
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  type InvokeCommandInput,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../infra/local/platform/clock.ts'
import { createEndpoint, type Endpoint } from '../../../infra/local/services/endpoint/index.ts'
import { fixtureResource } from '../fixture/resources.ts'
import { named, target, targetClient } from '../target.ts'
import { account, lambdaBench, type LambdaBench } from './support.ts'

let bench: LambdaBench | undefined
let endpoint: Endpoint | undefined
let client: LambdaClient
let FunctionName: string

beforeAll(async () => {
  if (target) {
    client = new LambdaClient(targetClient(target))
    FunctionName = named(target.functions, 'Answer')
    return
  }
  bench = lambdaBench()
  endpoint = createEndpoint({ clock: systemClock(), account, principals: () => undefined, port: 0 })
  endpoint.mount(bench.lambda.api)
  await endpoint.start()
  FunctionName = 'Answer'
  const { type, properties } = fixtureResource('Answer')
  const Role = 'arn:aws:iam::000000000000:role/Answer'
  await bench.resource(type, 'Answer', { ...properties, FunctionName, Role })
  client = new LambdaClient({
    endpoint: endpoint.url,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
})
afterAll(async () => {
  client.destroy()
  await endpoint?.stop()
  await bench?.stop()
})

async function invoke(input: Partial<InvokeCommandInput>) {
  const answer = await client.send(new InvokeCommand({ FunctionName, ...input }))
  const text = answer.Payload?.transformToString() ?? ''
  return { ...answer, json: text === '' ? undefined : (JSON.parse(text) as unknown) }
}

describe('Invoke of a function in the template', () => {
  it('LAMBDA-1: RequestResponse is 200 with the answer', async () => {
    expect(await invoke({ Payload: '{"value":[1,"ü"]}' })).toMatchObject({
      StatusCode: 200,
      json: [1, 'ü'],
      ExecutedVersion: '$LATEST',
    })
  })

  it('LAMBDA-1: Event is 202 at once, DryRun is 204', async () => {
    const event = await invoke({ InvocationType: 'Event', Payload: '{"value":1}' })
    expect(event).toMatchObject({ StatusCode: 202, json: undefined })
    expect((await invoke({ InvocationType: 'DryRun' })).StatusCode).toBe(204)
  })

  it('LAMBDA-2: a function error is 200 with X-Amz-Function-Error', async () => {
    expect(await invoke({ Payload: '{"fails":true}' })).toMatchObject({
      StatusCode: 200,
      FunctionError: 'Unhandled',
      json: { errorType: 'RangeError', errorMessage: 'no such thing' },
    })
  })

  it('LAMBDA-4: a body that is no JSON and an unknown function are refused', async () => {
    await expect(invoke({ Payload: '{' })).rejects.toMatchObject({
      name: 'InvalidRequestContentException',
      $metadata: { httpStatusCode: 400 },
    })
    await expect(invoke({ FunctionName: 'GaugelineNothing' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      $metadata: { httpStatusCode: 404 },
    })
  })

  it('LAMBDA-5, LAMBDA-16: LogType Tail gives START, the lines of the function, END and REPORT', async () => {
    const { LogResult = '' } = await invoke({ LogType: 'Tail', Payload: '{"value":"this"}' })
    const lines = Buffer.from(LogResult, 'base64').toString().trim().split('\n')
    expect(
      lines.map((line) => line.split(/\s/)[0]).filter((word) => /^[A-Z]+$/.test(word!)),
    ).toEqual(['START', 'END', 'REPORT'])
    expect(lines[1]).toMatch(/^\S+Z\t\S+\tINFO\tline of this$/)
  })

  it('CFN-10: GetFunction tells what the template says', async () => {
    const { Configuration } = await client.send(new GetFunctionCommand({ FunctionName }))
    expect(Configuration).toMatchObject({
      FunctionName,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Timeout: 5,
      MemorySize: 256,
    })
  })
})
