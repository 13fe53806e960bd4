import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { expect, it } from 'vitest'
import { createDynamoDb } from '../../../infra/local/services/dynamodb/index.ts'
import { awsFront, ground, keptAt, type AwsFront } from '../../support/aws-front.ts'
import { mountSmallDisk } from '../../support/small-disk.ts'

const TableName = 'Readings'

async function openTables(path: string) {
  const on = ground()
  const dynamodb = createDynamoDb({ ...on, kept: keptAt(on, path) })
  const front: AwsFront = await awsFront(on, [dynamodb])
  await front.create('AWS::DynamoDB::Table', {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  })
  const client = new DynamoDBClient({ ...front.developer, maxAttempts: 1 })
  const put = (pk: string) =>
    client.send(
      new PutItemCommand({ TableName, Item: { pk: { S: pk }, data: { S: 'x'.repeat(50_000) } } }),
    )
  const has = async (pk: string): Promise<boolean> =>
    (await client.send(new GetItemCommand({ TableName, Key: { pk: { S: pk } } }))).Item !==
    undefined
  return { on, put, has, stop: () => front.stop() }
}

it('tables on a full disk refuse writes, keep what they acknowledged, and take writes again when there is room', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'full-disk-'))
  const disk = mountSmallDisk(join(directory, 'data'), { megabytes: 40 })
  if (typeof disk === 'string') return context.skip(disk)
  try {
    let tables = await openTables(disk.path)
    const acknowledged = ['before']
    await tables.put('before')
    disk.fill()
    const failing = async (): Promise<number> => {
      for (let count = 0; ; count++) {
        const isTaken = await tables.put(`full-${count}`).then(
          () => true,
          (error: unknown) => {
            expect(error).toMatchObject({ $metadata: { httpStatusCode: 500 } })
            return false
          },
        )
        if (!isTaken) return count
        acknowledged.push(`full-${count}`)
      }
    }
    await failing()
    expect(await tables.has('before')).toBe(true)
    disk.free()
    // Room again, but LevelDB's log may end in the middle of a record: nothing is written behind it.
    await expect(tables.put('too early')).rejects.toThrow()
    await tables.on.clock.advance(1000)
    await expect
      .poll(() =>
        tables.put('after').then(
          () => true,
          () => false,
        ),
      )
      .toBe(true)
    acknowledged.push('after')
    await tables.stop()
    tables = await openTables(disk.path)
    for (const pk of acknowledged) expect(await tables.has(pk)).toBe(true)
    await tables.stop()
  } finally {
    disk.unmount()
    rmSync(directory, { recursive: true, force: true })
  }
})
