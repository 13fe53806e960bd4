import {
  DescribeContinuousBackupsCommand,
  DescribeLimitsCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ExecuteStatementCommand,
  GetItemCommand,
  ListTablesCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { key, localItems, type LocalTable } from './support.ts'

let table: LocalTable
let client: DynamoDBClient
let TableName: string

beforeAll(async () => {
  table = await localItems()
  ;({ client, TableName } = table)
})
beforeEach(() => {
  table.on.faults.clear()
  table.on.denied.clear()
})
afterAll(() => table.close())

describe('permissions and names', () => {
  it('refuses a role what its policies do not allow, on the table and on the index', async () => {
    const asRole = new DynamoDBClient(table.front.role)
    const arn = `arn:aws:dynamodb:eu-west-1:000000000000:table/${TableName}`
    table.on.denied.add(`dynamodb:PutItem ${arn}`)
    table.on.denied.add(`dynamodb:Query ${arn}/index/byOwner`)
    const transaction = { TransactItems: [{ Put: { TableName, Item: key('no') } }] }
    await expect(asRole.send(new TransactWriteItemsCommand(transaction))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      $metadata: { httpStatusCode: 400 },
    })
    await expect(
      asRole.send(
        new QueryCommand({
          TableName,
          IndexName: 'byOwner',
          KeyConditionExpression: '#o = :o',
          ExpressionAttributeNames: { '#o': 'owner' },
          ExpressionAttributeValues: { ':o': { S: 'ana' } },
        }),
      ),
    ).rejects.toThrow('is not authorized to perform: dynamodb:Query')
    await expect(
      asRole.send(new GetItemCommand({ TableName, Key: key('g1') })),
    ).resolves.toBeDefined()
  })

  it('DDB-25: a table name outside 3–255 characters of the alphabet stops the start', async () => {
    await expect(
      table.front.create('AWS::DynamoDB::Table', {
        TableName: 'a!',
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      }),
    ).rejects.toThrow('It (AWS::DynamoDB::Table): DynamoDB would refuse it')
  })

  it('DDB-27: a table of the template is active when it is there', async () => {
    const { Table } = await client.send(new DescribeTableCommand({ TableName }))
    expect(Table?.TableStatus).toBe('ACTIVE')
  })

  it.each([
    ['ExecuteStatement', new ExecuteStatementCommand({ Statement: 'SELECT * FROM t' })],
    ['DescribeContinuousBackups', new DescribeContinuousBackupsCommand({ TableName: 'Items' })],
    ['DescribeLimits', new DescribeLimitsCommand({})],
  ])('DDB-18: %s names itself as not emulated', async (operation, command) => {
    const call = client.send(command as DescribeLimitsCommand)
    await expect(call).rejects.toMatchObject({ name: 'UnknownOperationException' })
    await expect(call).rejects.toThrow(`dynamodb:${operation} is not emulated`)
  })

  it('CFN-17: Ref is the table name, GetAtt Arn its ARN', async () => {
    const created = await table.front.create('AWS::DynamoDB::Table', {
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    })
    expect(created.ref).toMatch(/^Gaugeline-It-[A-Z0-9]{12}$/)
    expect(created.attributes).toEqual({
      Arn: `arn:aws:dynamodb:eu-west-1:000000000000:table/${created.ref}`,
    })
    expect((await client.send(new ListTablesCommand({}))).TableNames).toContain(created.ref)
  })
})
