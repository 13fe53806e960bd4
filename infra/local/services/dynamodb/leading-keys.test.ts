import { describe, expect, it } from 'vitest'
import { manualClock } from '../../platform/clock.ts'
import type { ResolvedResource } from '../../platform/types.ts'
import { createIam } from '../iam/index.ts'
import { createDynamoDb } from './index.ts'
import { leadingKeysOf } from './leading-keys.ts'
import { targetsOf } from './targets.ts'

const key = (pk: string) => ({ pk: { S: pk }, sk: { S: 'x' } })
const keysOf = (operation: string, input: Record<string, unknown>) =>
  targetsOf(operation, input).map(({ part }) => leadingKeysOf(part, 'pk'))
const at = { TableName: 't' }

describe('dynamodb:LeadingKeys has the partition keys that a call names', () => {
  it.each([
    ['GetItem', { ...at, Key: key('a') }, [['a']]],
    ['UpdateItem', { ...at, Key: key('a'), UpdateExpression: 'SET #x = :x' }, [['a']]],
    ['PutItem', { ...at, Item: { ...key('a'), more: { S: 'b' } } }, [['a']]],
    ['PutItem', { ...at, Item: { pk: { N: '7' } } }, [['7']]],
    ['BatchGetItem', { RequestItems: { t: { Keys: [key('a'), key('b')] } } }, [['a', 'b']]],
    [
      'BatchWriteItem',
      {
        RequestItems: {
          t: [{ PutRequest: { Item: key('a') } }, { DeleteRequest: { Key: key('b') } }],
          u: [{ DeleteRequest: { Key: key('c') } }],
        },
      },
      [['a', 'b'], ['c']],
    ],
    [
      'TransactWriteItems',
      {
        TransactItems: [
          { Put: { ...at, Item: key('a') } },
          { ConditionCheck: { ...at, Key: key('b') } },
        ],
      },
      [['a'], ['b']],
    ],
  ])('%s %j', (operation, input, expected) => {
    expect(keysOf(operation, input)).toEqual(expected)
  })

  it.each([
    ['pk = :a', {}],
    ['#p=:a AND begins_with(sk, :b)', { '#p': 'pk' }],
    ['sk = :b AND #p = :a', { '#p': 'pk' }],
    ['pk = :a AND sk >= :b', {}],
    ['sk BETWEEN :b AND :b AND pk = :a', {}],
  ])('Query %s', (KeyConditionExpression, ExpressionAttributeNames) => {
    const input = {
      ...at,
      KeyConditionExpression,
      ExpressionAttributeNames,
      ExpressionAttributeValues: { ':a': { S: 'a' }, ':b': { S: 'b' } },
    }
    expect(keysOf('Query', input)).toEqual([['a']])
  })

  it('Query with the older KeyConditions', () => {
    const KeyConditions = {
      pk: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'a' }] },
      sk: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'b' }] },
    }
    expect(keysOf('Query', { ...at, KeyConditions })).toEqual([['a']])
  })

  it('but none of a Scan or a call about a table, whatever it filters', () => {
    expect(keysOf('Scan', { ...at, FilterExpression: 'pk = :a' })).toEqual([undefined])
    expect(keysOf('DescribeTable', at)).toEqual([undefined])
  })
})

describe('a role that may write one partition', () => {
  const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Gaugeline' }
  const iam = createIam({ account })
  const create = async (
    { providers }: Pick<ReturnType<typeof createDynamoDb>, 'providers'>,
    resource: Omit<ResolvedResource, 'logicalId'>,
  ) =>
    providers.find(({ type }) => type === resource.type)!.create({ logicalId: 'It', ...resource })

  it('is refused in every other, also for a part of a batch', async () => {
    await create(iam, {
      type: 'AWS::IAM::Role',
      properties: {
        RoleName: 'one-partition',
        AssumeRolePolicyDocument: {
          Statement: [
            {
              Effect: 'Allow',
              Principal: { Service: 'lambda.amazonaws.com' },
              Action: 'sts:AssumeRole',
            },
          ],
        },
        Policies: [
          {
            PolicyName: 'inline',
            PolicyDocument: {
              Statement: [
                {
                  Effect: 'Allow',
                  Action: ['dynamodb:PutItem', 'dynamodb:BatchWriteItem'],
                  Resource: '*',
                  Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['mine'] } },
                },
              ],
            },
          },
        ],
      },
    })
    const dynamodb = createDynamoDb({
      clock: manualClock(),
      account,
      authorization: iam,
      metrics: { put: () => undefined },
    })
    await dynamodb.start()
    await create(dynamodb, {
      type: 'AWS::DynamoDB::Table',
      properties: {
        TableName: 'items',
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'owner', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'owner', AttributeType: 'S' }],
      },
    })
    const roleArn = 'arn:aws:iam::000000000000:role/one-partition'
    const statusOf = async (operation: string, input: object): Promise<number> => {
      const { status } = await dynamodb.api.handle({
        service: 'dynamodb',
        operation,
        protocol: 'json',
        method: 'POST',
        path: '/',
        query: new URLSearchParams(),
        headers: {},
        body: Buffer.from(JSON.stringify(input)),
        principal: { arn: roleArn, roleArn },
        requestId: '1',
      })
      return status
    }
    const put = (owner: string) =>
      statusOf('PutItem', { TableName: 'items', Item: { owner: { S: owner } } })
    const putAll = (...owners: readonly string[]) =>
      statusOf('BatchWriteItem', {
        RequestItems: {
          items: owners.map((owner) => ({ PutRequest: { Item: { owner: { S: owner } } } })),
        },
      })
    expect([await put('mine'), await put('yours'), await put('mine2')]).toEqual([200, 400, 400])
    expect([await putAll('mine'), await putAll('mine', 'yours')]).toEqual([200, 400])
    await dynamodb.stop()
  })
})
