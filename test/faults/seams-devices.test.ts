import { IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane'
import { expect } from 'vitest'
import type { Fault } from '../../infra/local/platform/types.ts'
import { waitFor } from '../support/wait.ts'
import { names } from './seam-bench.ts'
import { device, publish, queued } from './seam-calls.ts'
import {
  bench,
  delayMs,
  describeSeams,
  error,
  isCut,
  isDelayed,
  more,
  once,
  refuses,
  storedMore,
  throttles,
  twice,
  type Cases,
} from './seam-kit.ts'

/** No acknowledgement comes: the broker ends the connection instead. */
async function publishAndLoseTheConnection(): Promise<void> {
  const client = await device()
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  client.publish('dt/a', 'x', { qos: 1 })
  await closed
}
const iotMetric = (name: string) => bench.sum('AWS/IoT', name, { Protocol: 'MQTT' })
const publishOverHttp = (payload = 'x') =>
  new IoTDataPlaneClient(bench.aws).send(
    new PublishCommand({ topic: 'dt/a', payload: Buffer.from(payload) }),
  )

const cases: Cases<'devices'> = {
  'iot.connect': {
    async throttle() {
      once('iot.connect', { kind: 'throttle' })
      expect(
        await more(
          () => iotMetric('Connect.Throttle'),
          () => expect(device()).rejects.toMatchObject({ code: 3 }),
        ),
      ).toBe(1)
    },
    async error() {
      once('iot.connect', { kind: 'error' })
      expect(
        await more(
          () => iotMetric('Connect.ServerError'),
          () => expect(device()).rejects.toMatchObject({ code: 3 }),
        ),
      ).toBe(1)
    },
    delay: () => isDelayed('iot.connect', device),
    async drop() {
      once('iot.connect', { kind: 'drop' })
      await expect(device()).rejects.not.toMatchObject({ code: 3 })
      expect(bench.injected()).toBe(1)
    },
  },
  'iot.publish': {
    async throttle() {
      once('iot.publish', { kind: 'throttle' })
      expect(await more(() => iotMetric('PublishIn.Throttle'), isThrownAway)).toBe(1)
    },
    async error() {
      once('iot.publish', { kind: 'error' })
      await publishAndLoseTheConnection()
      expect(await iotMetric('PublishIn.ServerError')).toBe(1)
    },
    delay: () => isDelayed('iot.publish', publish),
    async drop() {
      once('iot.publish', { kind: 'drop' })
      expect(await more(() => iotMetric('PublishIn.Throttle'), isThrownAway)).toBe(0)
    },
    async duplicate() {
      once('iot.publish', twice)
      expect(await storedMore(() => publish())).toBe(3)
    },
  },
  'iotdata.Publish': {
    throttle: () => throttles('iotdata.Publish', 'ThrottlingException', publishOverHttp),
    error: () => refuses('iotdata.Publish', publishOverHttp),
    delay: () => isDelayed('iotdata.Publish', publishOverHttp),
    async drop() {
      expect(await storedMore(() => isCut('iotdata.Publish', publishOverHttp))).toBe(0)
    },
    async duplicate() {
      once('iotdata.Publish', twice)
      expect(await storedMore(publishOverHttp)).toBe(3)
    },
  },
  'iot.action': {
    throttle: () => actionFails({ kind: 'throttle' }),
    error: () => actionFails(error),
    delay: () => isDelayed('iot.action', publish),
    async duplicate() {
      once('iot.action', twice, names.rule)
      expect(await storedMore(() => publish())).toBe(3)
    },
  },
  'iot.errorAction': {
    throttle: () => errorActionFails({ kind: 'throttle' }),
    error: () => errorActionFails(error),
    async delay() {
      bench.inject({ seam: 'iot.errorAction', count: 1, fault: { kind: 'delay', ms: delayMs } })
      bench.system.faults.add({ seam: 'iot.action', count: 1, fault: { kind: 'throttle' } })
      let isDone = false
      const first = publish().then(() => {
        isDone = true
      })
      await waitFor(() => bench.injected() === 2, 'both faults')
      await publish()
      expect(isDone).toBe(false)
      await bench.clock.advance(delayMs)
      await first
    },
    async duplicate() {
      bench.inject({ seam: 'iot.errorAction', count: 1, fault: twice })
      bench.system.faults.add({ seam: 'iot.action', count: 1, fault: { kind: 'throttle' } })
      expect(await more(queued, () => publish())).toBe(3)
    },
  },
}

/** The publish gets no answer, and nothing of it is stored; the connection goes on. */
async function isThrownAway(): Promise<void> {
  const client = await device()
  let isAnswered = false
  const stored = await storedMore(async () => {
    client.publish('dt/a', 'x', { qos: 1 }, () => {
      isAnswered = true
    })
    await waitFor(() => bench.injected() === 1, 'the fault')
    await client.publishAsync('dt/a', 'y', { qos: 1 })
  })
  expect([stored, isAnswered]).toEqual([1, false])
}

async function actionFails(fault: Fault): Promise<void> {
  once('iot.action', fault, names.rule)
  let stored = -1
  const errors = await more(queued, async () => {
    stored = await storedMore(() => publish())
  })
  expect([stored, errors]).toEqual([0, 1])
}

async function errorActionFails(fault: Fault): Promise<void> {
  bench.inject({ seam: 'iot.errorAction', target: names.rule, count: 1, fault })
  bench.system.faults.add({ seam: 'iot.action', count: 1, fault: { kind: 'throttle' } })
  let stored = -1
  const errors = await more(queued, async () => {
    stored = await storedMore(publishAndLoseTheConnection)
  })
  expect([stored, errors]).toEqual([0, 0])
}

describeSeams('devices', cases)
