import { afterEach, describe, expect, it } from 'vitest'
import { lambdaBench } from './support.ts'
import type { LambdaBench } from './support.ts'

let bench: LambdaBench
afterEach(() => bench.stop())

async function run(handler: string, properties: Readonly<Record<string, unknown>> = {}) {
  bench = lambdaBench()
  const functionName = await bench.create('Fn', handler, properties)
  const result = await bench.lambda.invoke({ functionName, payload: {} })
  return { ...result, logTail: result.logTail, lines: bench.logs.map(({ message }) => message) }
}

const iso = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z'

describe('text logs', () => {
  it('LAMBDA-16: START, console lines, END and REPORT in this order', async () => {
    const { lines, requestId } = await run('functions.prints')
    expect(lines[0]).toBe(`START RequestId: ${requestId} Version: $LATEST`)
    expect(lines[1]).toMatch(new RegExp(`^${iso}\t${requestId}\tINFO\thello world \\{ a: 1 \\}$`))
    expect(lines.at(-2)).toBe(`END RequestId: ${requestId}`)
    expect(lines.at(-1)).toMatch(
      new RegExp(
        `^REPORT RequestId: ${requestId}\tDuration: [\\d.]+ ms\tBilled Duration: \\d+ ms\tMemory Size: 128 MB\tMax Memory Used: \\d+ MB\tInit Duration: [\\d.]+ ms\t$`,
      ),
    )
  })

  it('LAMBDA-16: Init Duration is on the first REPORT only', async () => {
    await run('functions.printsOne')
    await bench.lambda.invoke({ functionName: 'Fn', payload: {} })
    const reports = bench.logs.filter(({ message }) => message.startsWith('REPORT'))
    expect(reports.map(({ message }) => message.includes('Init Duration'))).toEqual([true, false])
  })

  it('a console call is one event, even over several lines', async () => {
    const { lines, requestId } = await run('functions.prints')
    expect(lines[2]).toMatch(new RegExp(`^${iso}\t${requestId}\tWARN\ttwo\nlines$`))
    expect(lines[3]).toMatch(/\tERROR\tTypeError: bad\n {4}at /)
  })

  it('EMF-2, EMF-4: each line written to a stream is an event of its own, without a prefix', async () => {
    const { lines } = await run('functions.prints')
    expect(lines.slice(4, -2)).toEqual(['{"_aws":1}', '{"_aws":2}', 'partial', 'no newline'])
  })

  it('an error that ends an invocation is logged', async () => {
    const { lines, requestId } = await run('functions.fails')
    expect(lines[1]).toMatch(
      new RegExp(`^${iso}\t${requestId}\tERROR\tInvoke Error \t\\{"errorType":"RangeError"`),
    )
  })

  it('goes to the group of the function, one stream per environment', async () => {
    await run('functions.printsOne')
    expect(new Set(bench.logs.map(({ group }) => group))).toEqual(new Set(['/aws/lambda/Fn']))
    expect(new Set(bench.logs.map(({ stream }) => stream)).size).toBe(1)
  })

  it('LAMBDA-5: the tail is the last 4 KB in base64', async () => {
    const { logTail, requestId } = await run('functions.printsOne')
    const tail = Buffer.from(logTail ?? '', 'base64').toString()
    expect(tail).toContain(`END RequestId: ${requestId}`)
    expect(tail.length).toBeLessThanOrEqual(4096)
  })
})

describe('JSON logs', () => {
  const json = (more: object = {}) => ({
    LoggingConfig: { LogFormat: 'JSON', LogGroup: '/own/group', ...more },
  })
  const parsed = (lines: readonly string[]) =>
    lines.map((line) => JSON.parse(line) as Record<string, unknown>)

  it('LAMBDA-17: console lines are objects with timestamp, level, requestId and message', async () => {
    const { lines, requestId } = await run(
      'functions.printsOne',
      json({ ApplicationLogLevel: 'DEBUG' }),
    )
    const timestamp = expect.stringMatching(new RegExp(`^${iso}$`)) as string
    expect(parsed(lines).slice(1, 3)).toEqual([
      { timestamp, level: 'DEBUG', requestId, message: { deep: { value: 1 } } },
      { timestamp, level: 'INFO', requestId, message: 'info' },
    ])
  })

  it('LAMBDA-17: platform lines are platform.start and platform.report', async () => {
    const { lines, requestId } = await run('functions.printsOne', json())
    const events = parsed(lines)
    expect(events[0]).toMatchObject({
      type: 'platform.start',
      record: { requestId, version: '$LATEST' },
    })
    expect(events.at(-1)).toMatchObject({
      type: 'platform.report',
      record: { requestId, status: 'success', metrics: { memorySizeMB: 128 } },
    })
    expect(bench.logs[0]?.group).toBe('/own/group')
  })

  it('LAMBDA-17: levels below ApplicationLogLevel are not written', async () => {
    const { lines } = await run('functions.printsOne', json({ ApplicationLogLevel: 'INFO' }))
    expect(parsed(lines).map(({ level }) => level)).not.toContain('DEBUG')
  })

  it('LAMBDA-17: SystemLogLevel WARN leaves the platform lines of a success out', async () => {
    const { lines } = await run('functions.printsOne', json({ SystemLogLevel: 'WARN' }))
    expect(parsed(lines).filter(({ type }) => type !== undefined)).toEqual([])
  })

  it('EMF-4: lines written to the stream stay as they are', async () => {
    const { lines } = await run('functions.prints', json())
    expect(lines).toContain('{"_aws":1}')
  })

  it('LAMBDA-17: an error has type, message and stack', async () => {
    const { lines } = await run('functions.prints', json())
    expect(parsed(lines.filter((line) => line.startsWith('{"timestamp"')))[2]).toMatchObject({
      level: 'ERROR',
      message: { errorType: 'TypeError', errorMessage: 'bad' },
    })
  })
})

describe('metrics', () => {
  it('LAMBDA-25–LAMBDA-27: invocations, errors and duration by function, resource and account, at the start', async () => {
    await run('functions.fails')
    const of = (name: string) => bench.metrics.filter((datum) => datum.name === name)
    expect(of('Invocations').map(({ dimensions }) => dimensions)).toEqual([
      { FunctionName: 'Fn' },
      { FunctionName: 'Fn', Resource: 'Fn' },
      {},
    ])
    expect(of('Errors')[0]).toMatchObject({ namespace: 'AWS/Lambda', value: 1, unit: 'Count' })
    expect(of('Duration')[0]).toMatchObject({ unit: 'Milliseconds' })
  })

  it('LAMBDA-25: a throttle is no invocation', async () => {
    bench = lambdaBench()
    const functionName = await bench.create('Fn', 'functions.echo', {
      ReservedConcurrentExecutions: 0,
    })
    await bench.lambda.invoke({ functionName, payload: {} }).catch(() => undefined)
    expect(bench.metrics.map(({ name }) => name)).toEqual(['Throttles', 'Throttles', 'Throttles'])
  })
})
