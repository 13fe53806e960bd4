import { AwsError } from '../../platform/errors.ts'
import { isObject } from '../../platform/fields.ts'
import { capacityOf, shapeCapacity, type TableCapacity } from './capacity.ts'
import { ENGINE_OPERATIONS, isEngineOperation, type Engine } from './engine.ts'
import { createGate } from './gate.ts'
import { runItemCall } from './item-calls.ts'
import { halveBatch } from './throttling.ts'
import { transactGet, transactWrite } from './transactions.ts'
import type { TimeToLive } from './ttl.ts'

type Json = Record<string, unknown>

export interface Calls {
  has(operation: string): boolean
  readonly names: readonly string[]
  /** Runs a known operation. `isThrottled`: a batch does half (DDB-9), everything else throws AwsError `ProvisionedThroughputExceededException`. */
  run(
    operation: string,
    input: Json,
    isThrottled: boolean,
  ): Promise<{ readonly output: Json; readonly capacity: readonly TableCapacity[] }>
}

/** Every operation of the API that works here. */
export function createCalls({
  engine,
  ttl,
}: {
  readonly engine: Engine
  readonly ttl: TimeToLive
}): Calls {
  const gate = createGate()
  const own: Readonly<Record<string, (input: Json) => Json | Promise<Json>>> = {
    TransactWriteItems: (input) => gate.alone(() => transactWrite(engine, input)),
    TransactGetItems: (input) => gate.alone(() => transactGet(engine, input)),
    UpdateTimeToLive: (input) => updateTimeToLive(engine, ttl, input),
    DescribeTimeToLive: (input) => describeTimeToLive(engine, ttl, input),
  }
  const runOne = async (operation: string, input: Json): Promise<Json> => {
    const ownCall = own[operation]
    if (ownCall) return ownCall(input)
    if (operation === 'UpdateTable') refuseIndexChange(input)
    if (isEngineOperation(operation)) return runItemCall({ engine, gate }, operation, input)
    throw new TypeError(`Unknown operation ${operation}`)
  }

  return {
    names: [...ENGINE_OPERATIONS, ...Object.keys(own)],
    has: (operation) => isEngineOperation(operation) || Object.hasOwn(own, operation),
    async run(operation, input, isThrottled) {
      const requested = input['ReturnConsumedCapacity']
      const halves = isThrottled ? halveBatch(operation, input) : undefined
      if (isThrottled && !halves) {
        throw new AwsError(
          'ProvisionedThroughputExceededException',
          'The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.',
        )
      }
      const output = await runOne(operation, halves?.run ?? input)
      const capacity = capacityOf(output)
      const shaped = shapeCapacity(output, requested)
      if (!halves) return { output: shaped, capacity }
      const name = operation === 'BatchGetItem' ? 'UnprocessedKeys' : 'UnprocessedItems'
      return { output: { ...shaped, [name]: halves.rest }, capacity }
    },
  }
}

/** The engine would accept it and do nothing. */
function refuseIndexChange(input: Json): void {
  const updates = input['GlobalSecondaryIndexUpdates']
  const isChange = (one: unknown): boolean =>
    isObject(one) && (one['Create'] !== undefined || one['Delete'] !== undefined)
  if (!Array.isArray(updates) || !updates.some(isChange)) return
  throw new AwsError(
    'ValidationException',
    'Indexes are not changed by UpdateTable on one machine: change the template (npm run dev takes it over, or start again)',
  )
}

async function describeTimeToLive(engine: Engine, ttl: TimeToLive, input: Json): Promise<Json> {
  await engine.run('DescribeTable', { TableName: input['TableName'] })
  const attribute = ttl.attributeOf(String(input['TableName']))
  return {
    TimeToLiveDescription:
      attribute === undefined
        ? { TimeToLiveStatus: 'DISABLED' }
        : { TimeToLiveStatus: 'ENABLED', AttributeName: attribute },
  }
}

async function updateTimeToLive(engine: Engine, ttl: TimeToLive, input: Json): Promise<Json> {
  await engine.run('DescribeTable', { TableName: input['TableName'] })
  const specification = input['TimeToLiveSpecification']
  const attribute = isObject(specification) ? specification['AttributeName'] : undefined
  if (!isObject(specification) || typeof attribute !== 'string') {
    throw new AwsError('ValidationException', 'TimeToLiveSpecification needs an AttributeName')
  }
  ttl.set(String(input['TableName']), specification['Enabled'] === true ? attribute : undefined)
  return { TimeToLiveSpecification: specification }
}
