import { describe, expect, test } from 'vitest'
import { AwsError } from '../../platform/errors.ts'
import type { Principal, ResolvedResource } from '../../platform/types.ts'
import type { Iam } from './index.ts'
import { createIam } from './index.ts'

const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Test' }
const table = 'arn:aws:dynamodb:eu-west-1:000000000000:table/History'
const trust = {
  Statement: [
    { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
  ],
}

function create(iam: Iam, type: string, properties: Record<string, unknown>): string {
  const provider = iam.providers.find((candidate) => candidate.type === type)!
  const resource: ResolvedResource = { logicalId: 'Thing', type, properties }
  return (provider.create(resource) as { ref: string }).ref
}

/** A role with one inline policy of these statements. */
function roleWith(...statements: readonly unknown[]): { iam: Iam; principal: Principal } {
  const iam = createIam({ account, randomBytes: (size) => Buffer.alloc(size, 7) })
  create(iam, 'AWS::IAM::Role', {
    RoleName: 'deliver',
    AssumeRolePolicyDocument: trust,
    Policies: [{ PolicyName: 'inline', PolicyDocument: { Statement: statements } }],
  })
  const { accessKeyId } = iam.credentialsFor('arn:aws:iam::000000000000:role/deliver', 'deliver')
  return { iam, principal: iam.principalFor(accessKeyId)!.principal }
}

const allow = (more: Record<string, unknown>): Record<string, unknown> => ({
  Effect: 'Allow',
  Action: 'dynamodb:PutItem',
  Resource: table,
  ...more,
})

describe('identity-based policies', () => {
  test.each([
    ['the exact action and resource', allow({}), true],
    ['an action in another case', allow({ Action: 'DynamoDB:putitem' }), true],
    ['a wildcard action', allow({ Action: 'dynamodb:Put*' }), true],
    ['a single-character wildcard', allow({ Action: 'dynamodb:PutIte?' }), true],
    ['a wildcard resource', allow({ Resource: [`${table.slice(0, -3)}*`] }), true],
    ['a resource in another case', allow({ Resource: table.toUpperCase() }), false],
    ['another table', allow({ Resource: `${table}2` }), false],
    [
      'NotAction of another action',
      { Effect: 'Allow', NotAction: 'dynamodb:Scan', Resource: '*' },
      true,
    ],
    [
      'NotAction of this action',
      { Effect: 'Allow', NotAction: 'dynamodb:*', Resource: '*' },
      false,
    ],
    ['NotResource of this table', { Effect: 'Allow', Action: '*', NotResource: table }, false],
    ['a dot that is no wildcard', allow({ Action: 'dynamodb.PutItem' }), false],
  ])('%s', (_, statement, expected) => {
    const { iam, principal } = roleWith(statement)
    expect(iam.isAllowed(principal, 'dynamodb:PutItem', table)).toBe(expected)
  })

  test('an explicit deny wins over any allow, and the message says so', () => {
    const { iam, principal } = roleWith(allow({ Action: '*', Resource: '*' }), {
      Effect: 'Deny',
      Action: 'dynamodb:*',
      Resource: table,
    })
    expect(() => iam.check(principal, 'dynamodb:PutItem', table)).toThrow(
      'with an explicit deny in an identity-based policy',
    )
    expect(iam.isAllowed(principal, 'dynamodb:PutItem', `${table}2`)).toBe(true)
  })

  test('a refusal reads as AWS writes it', () => {
    const { iam, principal } = roleWith(allow({ Action: 'dynamodb:GetItem' }))
    const refusal = (): void => iam.check(principal, 'dynamodb:PutItem', table)
    expect(refusal).toThrow(AwsError)
    expect(refusal).toThrow(
      `User: arn:aws:sts::000000000000:assumed-role/deliver/deliver is not authorized to perform: dynamodb:PutItem on resource: ${table} because no identity-based policy allows the dynamodb:PutItem action`,
    )
  })

  test.each([
    ['StringEquals', { StringEquals: { 'cloudwatch:namespace': 'Gaugeline' } }, true],
    [
      'StringEquals of a list',
      { StringEquals: { 'cloudwatch:namespace': ['a', 'Gaugeline'] } },
      true,
    ],
    [
      'StringEquals, key in another case',
      { StringEquals: { 'CloudWatch:Namespace': 'Gaugeline' } },
      true,
    ],
    ['StringNotEquals', { StringNotEquals: { 'cloudwatch:namespace': 'Gaugeline' } }, false],
    ['StringLike', { StringLike: { 'cloudwatch:namespace': 'Gauge*' } }, true],
    ['an absent key', { StringEquals: { 'aws:nothing': 'x' } }, false],
    ['an absent key with IfExists', { StringEqualsIfExists: { 'aws:nothing': 'x' } }, true],
    ['Null', { Null: { 'aws:nothing': 'true' } }, true],
    ['Bool on TLS', { Bool: { 'aws:SecureTransport': 'true' } }, true],
    ['ForAllValues, one outside', { 'ForAllValues:StringEquals': { keys: ['a'] } }, false],
    ['ForAnyValue, one inside', { 'ForAnyValue:StringEquals': { keys: ['a'] } }, true],
  ])('condition %s', (_, condition, expected) => {
    const { iam, principal } = roleWith(allow({ Condition: condition }))
    const context = { 'cloudwatch:namespace': 'Gaugeline', keys: ['a', 'b'] }
    expect(iam.isAllowed(principal, 'dynamodb:PutItem', table, context)).toBe(expected)
  })

  test('a conditional answer is not kept for another context', () => {
    const { iam, principal } = roleWith(
      allow({ Condition: { StringEquals: { 'cloudwatch:namespace': 'Gaugeline' } } }),
    )
    const ask = (namespace: string): boolean =>
      iam.isAllowed(principal, 'dynamodb:PutItem', table, { 'cloudwatch:namespace': namespace })
    expect([ask('Gaugeline'), ask('Other'), ask('Gaugeline')]).toEqual([true, false, true])
  })

  test('an unknown condition operator stops the start instead of being guessed', () => {
    expect(() =>
      roleWith(allow({ Condition: { DateLessThan: { 'aws:CurrentTime': 'x' } } })),
    ).toThrow('DateLessThan')
  })

  test('a policy attached later changes an answer that was kept', () => {
    const { iam, principal } = roleWith(allow({}))
    expect(iam.isAllowed(principal, 'dynamodb:Query', table)).toBe(false)
    create(iam, 'AWS::IAM::Policy', {
      PolicyName: 'later',
      Roles: ['deliver'],
      PolicyDocument: { Statement: [allow({ Action: 'dynamodb:Query' })] },
    })
    expect(iam.isAllowed(principal, 'dynamodb:Query', table)).toBe(true)
  })

  test('AWS managed policies are known by name, others are refused', () => {
    const attach = (arn: string): unknown =>
      create(createIam({ account }), 'AWS::IAM::Role', {
        AssumeRolePolicyDocument: trust,
        ManagedPolicyArns: [arn],
      })
    expect(() =>
      attach('arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole'),
    ).not.toThrow()
    expect(() => attach('arn:aws:iam::aws:policy/AdministratorAccess')).toThrow(
      'AdministratorAccess',
    )
  })

  test('a key that was not issued here belongs to nobody, and the local developer may do everything', () => {
    const iam = createIam({ account })
    expect(iam.principalFor('AKIAIOSFODNN7EXAMPLE')).toBeUndefined()
    expect(iam.isAllowed({ arn: 'arn:aws:iam::0:user/me' }, 'iam:DeleteRole', '*')).toBe(true)
  })

  test('a role that does not trust Lambda gives no credentials', () => {
    const iam = createIam({ account })
    create(iam, 'AWS::IAM::Role', { RoleName: 'iot', AssumeRolePolicyDocument: { Statement: [] } })
    expect(() => iam.credentialsFor('arn:aws:iam::000000000000:role/iot', 'deliver')).toThrow(
      'cannot be assumed by Lambda',
    )
  })
})
