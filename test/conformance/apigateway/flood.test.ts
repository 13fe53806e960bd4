import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { afterEach, expect, it } from 'vitest'
import { describeLocal } from '../target.ts'
import { gatewayBench } from './support.ts'
import type { GatewayBench, GatewayEvent } from './support.ts'

let bench: GatewayBench
afterEach(() => bench.stop())

const MESSAGES = 3000
const EACH_AT_WORK = 64

describeLocal('internals', 'one client that sends faster than its messages are done with', () => {
  /** A route whose events end when the test says so, but for those of other clients. */
  async function floodable() {
    const ends: (() => void)[] = []
    let atWork = 0
    let most = 0
    let flooding: string | undefined
    bench = await gatewayBench({
      handlers: {
        async work(event: GatewayEvent) {
          flooding ??= event.requestContext.connectionId
          if (event.requestContext.connectionId !== flooding) return { statusCode: 200, body: 'ok' }
          most = Math.max(most, ++atWork)
          await new Promise<void>((resolve) => ends.push(resolve))
          atWork--
          return { statusCode: 200, body: 'done' }
        },
      },
      twoWay: ['work'],
    })
    return { ends, most: () => most }
  }

  it('has 64 at work, the others have their turn, and none of its messages is lost', async () => {
    const { ends, most } = await floodable()
    const flooder = await bench.open()
    for (let n = 0; n < MESSAGES; n++) flooder.send({ action: 'work' })
    await bench.nextEvent('work')
    const other = await bench.open()
    other.send({ action: 'work' })
    expect((await other.next()).text).toBe('ok')
    expect(most()).toBeLessThanOrEqual(EACH_AT_WORK)
    for (let done = 0; done < MESSAGES; done++) {
      while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve))
      ends.shift()!()
    }
    for (let n = 0; n < MESSAGES; n++) await flooder.next()
    expect(most()).toBe(EACH_AT_WORK)
  })

  it('is run no more when it has been closed', async () => {
    const { ends } = await floodable()
    const flooder = await bench.open()
    for (let n = 0; n < 1000; n++) flooder.send({ action: 'work' })
    await bench.nextEvent('work')
    const [first] = bench.events('work')
    const management = new ApiGatewayManagementApiClient({
      endpoint: bench.management,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local' },
    })
    const { connectionId: ConnectionId } = first!.requestContext
    await management.send(new DeleteConnectionCommand({ ConnectionId }))
    management.destroy()
    const begun = bench.events('work').length
    for (const end of ends.splice(0)) end()
    await flooder.closed
    expect(begun).toBeLessThanOrEqual(EACH_AT_WORK)
    expect(bench.events('work')).toHaveLength(begun)
  })
})
