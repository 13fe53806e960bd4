import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { batchGet, batchWrite, createDynamo } from './dynamo-client.ts'

/** DynamoDB's JSON, as deep as a test looks into it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each test knows which request it answers
type Answer = (body: any) => unknown
let server: Server
let calls: number
let answer: Answer
beforeEach(async () => {
  calls = 0
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      calls++
      response.setHeader('content-type', 'application/x-amz-json-1.0')
      response.end(JSON.stringify(answer(JSON.parse(body))))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', `http://127.0.0.1:${port}`)
  vi.stubEnv('AWS_REGION', 'eu-west-1')
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const keys = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ pk: 'a', sk: String(i) }))

describe('batches of DynamoDB', () => {
  it('DDB-9, FAULT-25: writes 25 a call and sends again what came back unprocessed, until all is written', async () => {
    const written: string[] = []
    const sizes: number[] = []
    answer = ({
      RequestItems,
    }: {
      RequestItems: Record<string, { PutRequest: { Item: { sk: { S: string } } } }[]>
    }) => {
      const requests = RequestItems['t']!
      sizes.push(requests.length)
      const taken = Math.ceil(requests.length / 2)
      written.push(...requests.slice(0, taken).map((one) => one.PutRequest.Item.sk.S))
      const rest = requests.slice(taken)
      return { UnprocessedItems: rest.length > 0 ? { t: rest } : {} }
    }
    await batchWrite(
      createDynamo(),
      't',
      keys(60).map((key) => ({ put: key })),
    )
    expect(Math.max(...sizes)).toBe(25)
    expect(written.map(Number).sort((a, b) => a - b)).toEqual(keys(60).map((_, i) => i))
  })

  it('DDB-9: reads 100 a call and asks again for what came back unprocessed', async () => {
    answer = ({ RequestItems }: { RequestItems: Record<string, { Keys: unknown[] }> }) => {
      const { Keys } = RequestItems['t']!
      const taken = Math.ceil(Keys.length / 2)
      const rest = Keys.slice(taken)
      return {
        Responses: { t: Keys.slice(0, taken) },
        UnprocessedKeys: rest.length > 0 ? { t: { Keys: rest } } : {},
      }
    }
    expect(await batchGet(createDynamo(), 't', keys(150))).toHaveLength(150)
  })

  it('gives up after eight rounds instead of going on for ever', async () => {
    answer = ({ RequestItems }: { RequestItems: unknown }) => ({ UnprocessedItems: RequestItems })
    await expect(batchWrite(createDynamo(), 't', [{ put: keys(1)[0]! }])).rejects.toThrow(
      'items stayed unprocessed after 8 rounds',
    )
    expect(calls).toBe(8)
  })

  it('calls nobody for nothing', async () => {
    await batchWrite(createDynamo(), 't', [])
    expect([await batchGet(createDynamo(), 't', []), calls]).toEqual([[], 0])
  })
})
