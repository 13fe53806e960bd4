import { afterEach, describe, expect, it } from 'vitest'
import { lambdaBench } from './support.ts'
import type { LambdaBench } from './support.ts'

let bench: LambdaBench
afterEach(() => bench.stop())

describe('invocation', () => {
  it('L10: module state survives between warm calls', async () => {
    bench = lambdaBench()
    const functionName = await bench.create('Echo', 'functions.echo')
    await bench.lambda.invoke({ functionName, payload: { a: 1 } })
    const second = await bench.lambda.invoke({ functionName, payload: { a: 2 } })
    expect(second.payload).toMatchObject({ event: { a: 2 }, calls: 2 })
  })
})
