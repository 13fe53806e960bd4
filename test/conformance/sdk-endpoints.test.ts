import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const VARIABLE = 'AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI'

/** What lets unmodified function code reach the local gateway. */
describe('where the SDK sends @connections calls', () => {
  let server: Server
  let asked: string[]

  beforeEach(async () => {
    asked = []
    server = createServer((request, response) => {
      asked.push(`${request.headers.host ?? ''}${request.url ?? ''}`)
      response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await new Promise((resolve) => server.close(resolve))
  })

  const host = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`
  async function post(endpoint?: string): Promise<void> {
    const client = new ApiGatewayManagementApiClient({
      region: 'eu-west-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      ...(endpoint === undefined ? {} : { endpoint }),
    })
    await client.send(new PostToConnectionCommand({ ConnectionId: 'a=', Data: 'x' }))
    client.destroy()
  }

  it('MGMT-16: the variable of the service names host and stage', async () => {
    vi.stubEnv(VARIABLE, `http://${host()}/prod`)
    await post()
    expect(asked).toEqual([`${host()}/prod/@connections/a%3D`])
  })

  it('MGMT-18: an explicit endpoint beats the variable', async () => {
    vi.stubEnv(VARIABLE, 'http://127.0.0.1:9/elsewhere')
    await post(`http://${host()}/explicit`)
    expect(asked).toEqual([`${host()}/explicit/@connections/a%3D`])
  })
})
