import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../platform/clock.ts'
import { createDisk } from '../../platform/disk.ts'
import type { Authorization } from '../../platform/types.ts'
import { createDynamoDb, type DynamoDb } from './index.ts'

const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Gaugeline' }
const authorization: Authorization = {
  check: () => undefined,
  isAllowed: () => true,
  credentialsFor: () => ({ accessKeyId: '', secretAccessKey: '', sessionToken: '' }),
}
const index = (IndexName: string, attribute: string) => ({
  IndexName,
  KeySchema: [{ AttributeName: attribute, KeyType: 'HASH' }],
  Projection: { ProjectionType: 'ALL' },
})
const byOwner = index('byOwner', 'owner')
const bySite = index('bySite', 'site')

const tableWith = (indexes: readonly ReturnType<typeof index>[], more: object = {}) => ({
  logicalId: 'Items',
  type: 'AWS::DynamoDB::Table',
  properties: {
    TableName: 'items',
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      ...indexes.map((one) => ({
        AttributeName: one.KeySchema[0]!.AttributeName,
        AttributeType: 'S',
      })),
    ],
    ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes }),
    ...more,
  },
})

describe('global indexes of a table that is there', () => {
  let path: string
  let dynamodb: DynamoDb

  beforeEach(async () => {
    path = mkdtempSync(join(tmpdir(), 'dynamodb-indexes-'))
    await start()
  })
  afterEach(async () => {
    await dynamodb.stop()
    rmSync(path, { recursive: true })
  })

  async function start(): Promise<void> {
    const clock = manualClock()
    const tell = (): void => undefined
    const disk = createDisk({ directory: path, clock, tell })
    const metrics = { put: () => undefined }
    const kept = { path, disk, tell }
    dynamodb = createDynamoDb({ clock, account, authorization, metrics, kept })
    await dynamodb.start()
  }
  const provider = () => dynamodb.providers[0]!
  async function call(operation: string, input: object): Promise<Record<string, unknown>> {
    const { body = '' } = await dynamodb.api.handle({
      service: 'dynamodb',
      operation,
      protocol: 'json',
      method: 'POST',
      path: '/',
      query: new URLSearchParams(),
      headers: {},
      body: Buffer.from(JSON.stringify(input)),
      principal: { arn: 'arn:aws:iam::000000000000:user/local-developer' },
      requestId: '1',
    })
    return JSON.parse(body.toString()) as Record<string, unknown>
  }
  const put = (pk: string, more: object = {}) =>
    call('PutItem', { TableName: 'items', Item: { pk: { S: pk }, ...more } })
  async function find(IndexName: string, attribute: string, value: string): Promise<unknown> {
    const answer = await call('Query', {
      TableName: 'items',
      IndexName,
      KeyConditionExpression: '#a = :v',
      ExpressionAttributeNames: { '#a': attribute },
      ExpressionAttributeValues: { ':v': { S: value } },
    })
    const items = answer['Items'] as { pk: { S: string } }[] | undefined
    return items?.map((item) => item.pk.S).sort() ?? answer['message']
  }

  it('an update adds an index, fills it and keeps the items', async () => {
    await provider().create(tableWith([byOwner]))
    await put('1', { owner: { S: 'ana' }, site: { S: 'north' } })
    await put('2', { site: { S: 'north' } })
    await put('3', { site: { N: '7' } })
    await provider().update!(tableWith([byOwner, bySite]), tableWith([byOwner]))
    expect(await find('bySite', 'site', 'north')).toEqual(['1', '2'])
    expect(await find('byOwner', 'owner', 'ana')).toEqual(['1'])
    await put('2', { site: { S: 'south' } })
    expect(await find('bySite', 'site', 'north')).toEqual(['1'])
    expect((await call('Scan', { TableName: 'items' }))['Count']).toBe(3)
  })

  it('an update removes an index, and the same name with another key is another index', async () => {
    await provider().create(tableWith([byOwner]))
    await put('1', { owner: { S: 'ana' }, site: { S: 'north' } })
    const renamed = index('byOwner', 'site')
    await provider().update!(tableWith([renamed]), tableWith([byOwner]))
    expect(await find('byOwner', 'site', 'north')).toEqual(['1'])
    await provider().update!(tableWith([]), tableWith([renamed]))
    expect(await find('byOwner', 'site', 'north')).toContain('does not have the specified index')
  })

  it('a data directory of an older template gets the index at the next start', async () => {
    await provider().create(tableWith([]))
    await put('1', { site: { S: 'north' } })
    await dynamodb.stop()
    await start()
    await provider().create(tableWith([bySite]))
    expect(await find('bySite', 'site', 'north')).toEqual(['1'])
  })

  it('an index that CloudFormation would refuse is refused by logical id', async () => {
    await provider().create(tableWith([]))
    const undefinedKey = tableWith([bySite], {
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    })
    await expect(provider().update!(undefinedKey, tableWith([]))).rejects.toThrow(
      'Items (AWS::DynamoDB::Table): DynamoDB would refuse it',
    )
  })

  it('UpdateTable with another index is refused instead of ignored', async () => {
    await provider().create(tableWith([]))
    const answer = await call('UpdateTable', {
      TableName: 'items',
      AttributeDefinitions: [{ AttributeName: 'site', AttributeType: 'S' }],
      GlobalSecondaryIndexUpdates: [{ Create: bySite }],
    })
    expect(answer['message']).toContain('change the template')
  })
})
