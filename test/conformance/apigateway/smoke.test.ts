import { afterEach, expect, it } from 'vitest'
import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { gatewayBench } from './support.ts'
import type { GatewayBench } from './support.ts'

let bench: GatewayBench
afterEach(() => bench.stop())

it('connects, answers, is posted to, disconnects', async () => {
  bench = await gatewayBench({
    handlers: {
      connect: () => ({ statusCode: 200 }),
      auth: (event) => ({
        principalId: 'ana',
        policyDocument: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: '*', Resource: event.methodArn }],
        },
        context: { n: 1 },
      }),
      hello: (event) => ({
        statusCode: 200,
        body: JSON.stringify({ got: event.body, n: event.requestContext.authorizer?.n }),
      }),
      disconnect: () => ({ statusCode: 200 }),
    },
    twoWay: ['hello'],
  })
  const client = await bench.open()
  client.send({ action: 'hello' })
  expect(JSON.parse((await client.next()).text)).toEqual({ got: '{"action":"hello"}', n: '1' })
  const { connectionId } = bench.events('connect')[0]!.requestContext
  const sdk = new ApiGatewayManagementApiClient({
    endpoint: bench.management,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
  })
  await sdk.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: 'hi' }))
  expect(await client.next()).toEqual({ text: 'hi', isBinary: false })
  client.socket.close()
  expect((await bench.nextEvent('disconnect')).requestContext).toMatchObject({
    disconnectStatusCode: 1005,
  })
})
