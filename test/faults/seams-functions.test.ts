import { expect } from 'vitest'
import type { Fault } from '../../infra/local/platform/types.ts'
import { waitFor } from '../support/wait.ts'
import { names } from './seam-bench.ts'
import { publish, put, queued } from './seam-calls.ts'
import {
  bench,
  calm,
  describeSeams,
  error,
  isCut,
  isDelayed,
  more,
  once,
  refuses,
  runsSettleAt,
  storedMore,
  throttles,
  twice,
  type Cases,
} from './seam-kit.ts'

const invoke = (functionName: string = names.counter) =>
  bench.system.services.lambda.invoke({ functionName, payload: {} })
const invokeLater = () =>
  bench.system.services.lambda.invoke({
    functionName: names.counter,
    payload: {},
    invocationType: 'Event',
  })
const busEvent = () =>
  bench.system.services.events.put({
    source: 'test',
    detailType: 'test',
    resources: [],
    detail: {},
  })

const failsAtMapping = async (fault: Fault): Promise<void> => {
  const before = await calm()
  bench.inject({ seam: 'esm.deliver', fault, target: names.counter })
  await put()
  await bench.eventually(() => bench.injected() >= 2, 'the fault, and the batch again')
  expect(await bench.runs()).toBe(before)
  bench.system.faults.clear()
  await runsSettleAt(before + 1)
}

const failsAtTarget = async (fault: Fault): Promise<void> => {
  const before = await queued()
  once('events.target', fault)
  await busEvent()
  await waitFor(() => bench.injected() === 1, 'the fault')
  expect(await queued()).toBe(before)
  await bench.eventually(async () => (await queued()) === before + 1, 'the second attempt')
}

const cases: Cases<'functions'> = {
  'kinesis.put': {
    throttle: () => throttles('kinesis.put', 'ProvisionedThroughputExceededException', put),
    error: () => refuses('kinesis.put', put),
    delay: () => isDelayed('kinesis.put', put),
    async drop() {
      expect(await storedMore(() => isCut('kinesis.put', put))).toBe(0)
      once('kinesis.put', { kind: 'drop' })
      expect(await more(queued, () => publish())).toBe(1)
    },
    async duplicate() {
      once('kinesis.put', twice)
      expect(await storedMore(put)).toBe(3)
    },
  },
  'esm.deliver': {
    throttle: () => failsAtMapping({ kind: 'throttle' }),
    error: () => failsAtMapping({ kind: 'error' }),
    async delay() {
      const before = await calm()
      once('esm.deliver', { kind: 'delay', ms: 60_000 })
      await put()
      await bench.eventually(() => bench.injected() === 1, 'the fault')
      expect(await bench.runs()).toBe(before)
      await bench.clock.advance(60_000)
      await runsSettleAt(before + 1)
    },
    async drop() {
      const before = await calm()
      once('esm.deliver', { kind: 'drop' })
      await put()
      await runsSettleAt(before + 2)
    },
    async duplicate() {
      const before = await calm()
      once('esm.deliver', twice)
      await put()
      await runsSettleAt(before + 3)
    },
  },
  'lambda.invoke': {
    async throttle() {
      await calm()
      once('lambda.invoke', { kind: 'throttle' })
      const count = await more(
        () => bench.runs('Throttles'),
        () => expect(invoke()).rejects.toMatchObject({ code: 'TooManyRequestsException' }),
      )
      expect(count).toBe(1)
    },
    async error() {
      await calm()
      const fails = async () => {
        once('lambda.invoke', { kind: 'error', code: 'OwnError', message: 'Own words' })
        expect(await invoke()).toMatchObject({
          functionError: 'Unhandled',
          payload: { errorType: 'OwnError', errorMessage: 'Own words' },
        })
      }
      expect(await more(() => bench.runs('Errors'), fails)).toBe(1)
      expect(await more(() => bench.runs(), fails)).toBe(1)
      const serviceFails = async () => {
        once('lambda.invoke', error)
        await expect(invoke()).rejects.toMatchObject({ code: 'OwnException', status: 503 })
      }
      expect(await more(() => bench.runs('Errors'), serviceFails)).toBe(0)
      expect(await more(() => bench.runs(), serviceFails)).toBe(0)
    },
    delay: () => isDelayed('lambda.invoke', invoke),
    async drop() {
      await calm()
      once('lambda.invoke', { kind: 'drop' })
      const count = await more(
        () => bench.runs(),
        () => expect(invoke()).rejects.toMatchObject({ code: 'ServiceException' }),
      )
      expect(count).toBe(1)
    },
    async duplicate() {
      await calm()
      once('lambda.invoke', twice)
      expect(await more(() => bench.runs(), invoke)).toBe(3)
    },
    async kill() {
      once('lambda.invoke', { kind: 'kill', ms: 100 })
      const running = invoke(names.sleeper)
      await waitFor(() => bench.injected() === 1, 'the fault')
      const killed = await Promise.race([running, bench.eventually(() => false, 'a death')])
      expect(killed).toMatchObject({
        functionError: 'Unhandled',
        payload: { errorType: 'Runtime.ExitError' },
      })
      expect(await bench.runs('Errors', names.sleeper)).toBe(1)
    },
  },
  'lambda.async': {
    async delay() {
      const before = await calm()
      once('lambda.async', { kind: 'delay', ms: 60_000 })
      await invokeLater()
      expect(await bench.runs()).toBe(before)
      await bench.clock.advance(60_000)
      await runsSettleAt(before + 1)
    },
    async drop() {
      const before = await calm()
      once('lambda.async', { kind: 'drop' })
      await invokeLater()
      await invokeLater()
      await runsSettleAt(before + 1)
    },
    async duplicate() {
      const before = await calm()
      once('lambda.async', twice)
      await invokeLater()
      await runsSettleAt(before + 3)
    },
  },
  'events.target': {
    throttle: () => failsAtTarget({ kind: 'throttle' }),
    error: () => failsAtTarget({ kind: 'error' }),
    async delay() {
      const before = await queued()
      once('events.target', { kind: 'delay', ms: 60_000 })
      await busEvent()
      await waitFor(() => bench.injected() === 1, 'the fault')
      expect(await queued()).toBe(before)
      await bench.clock.advance(60_000)
      await bench.eventually(async () => (await queued()) === before + 1, 'the event')
    },
    drop: () => failsAtTarget({ kind: 'drop' }),
  },
}

describeSeams('functions', cases)
