import { beforeAll, describe, expect, it } from 'vitest'
import { allowsService } from '../local/platform/resource-policy.ts'
import { type Synthesized, synthesize } from './stack.fixture.ts'

let stack: Synthesized
beforeAll(() => {
  stack = synthesize()
})

const ACCOUNT = '123456789012'
const pseudo: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': 'eu-west-1',
  'AWS::AccountId': ACCOUNT,
}

/** A policy as CloudFormation fills it in; a reference to a resource is its logical id. */
function resolve(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolve)
  if (typeof value !== 'object' || value === null) return value
  const of = value as Record<string, unknown>
  if (typeof of['Ref'] === 'string') return pseudo[of['Ref']] ?? of['Ref']
  if (of['Fn::GetAtt']) return (of['Fn::GetAtt'] as string[]).join('.')
  if (of['Fn::Join']) {
    const [separator, parts] = of['Fn::Join'] as [string, unknown[]]
    return parts.map((part) => String(resolve(part))).join(separator)
  }
  return Object.fromEntries(Object.entries(of).map(([key, part]) => [key, resolve(part)]))
}

/** Logical id of what a policy is on → the document. */
function policiesOf(type: string, on: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    stack.properties(type).flatMap((properties) => {
      const targets = [properties[on]].flat().map((target) => String(resolve(target)))
      return targets.map((target) => [target, resolve(properties['PolicyDocument'])])
    }),
  )
}

const alarmArn = (account: string): string =>
  `arn:aws:cloudwatch:eu-west-1:${account}:alarm:Gaugeline-a`
const publish = (resource: string, sourceArn: string, service = 'cloudwatch.amazonaws.com') => ({
  service,
  sourceArn,
  action: 'sns:Publish',
  resource,
})

describe('every resource policy lets through the service that must get through', () => {
  it('topics: alarms of this account, and no other service or account', () => {
    const policies = policiesOf('AWS::SNS::TopicPolicy', 'Topics')
    expect(Object.keys(policies).sort()).toEqual(
      Object.keys(stack.resources('AWS::SNS::Topic')).sort(),
    )
    for (const [topic, document] of Object.entries(policies)) {
      const allows = (request: Parameters<typeof allowsService>[1]) =>
        allowsService(document, request, topic)
      expect(allows(publish(topic, alarmArn(ACCOUNT))), topic).toBe(true)
      expect(allows(publish(topic, alarmArn('999999999999')))).toBe(false)
      expect(allows(publish(topic, alarmArn(ACCOUNT), 's3.amazonaws.com'))).toBe(false)
    }
  })

  it('queues: EventBridge where it leaves what it could not deliver, nobody anywhere else', () => {
    const policies = policiesOf('AWS::SQS::QueuePolicy', 'Queues')
    const rules = stack.properties('AWS::Events::Rule')
    const deadLetters = rules.flatMap(({ Targets }) =>
      (Targets as { DeadLetterConfig?: { Arn: unknown } }[]).flatMap(
        ({ DeadLetterConfig }) => DeadLetterConfig?.Arn ?? [],
      ),
    )
    const allowed = new Set(deadLetters.map((arn) => String(resolve(arn)).replace('.Arn', '')))
    expect(allowed.size).toBeGreaterThan(0)
    const [ruleId] = Object.entries(stack.resources('AWS::Events::Rule')).find(([, rule]) =>
      JSON.stringify(rule).includes('DeadLetterConfig'),
    )!
    for (const [queue, document] of Object.entries(policies)) {
      const request = {
        service: 'events.amazonaws.com',
        sourceArn: `${ruleId}.Arn`,
        action: 'sqs:SendMessage',
        resource: `${queue}.Arn`,
      }
      expect(allowsService(document, request, queue), queue).toBe(allowed.has(queue))
    }
  })

  it('bucket: CloudFront reads the files, for this distribution', () => {
    const [document] = Object.values(policiesOf('AWS::S3::BucketPolicy', 'Bucket'))
    const [distribution] = Object.keys(stack.resources('AWS::CloudFront::Distribution'))
    const [bucket] = Object.keys(stack.resources('AWS::S3::Bucket'))
    const read = (distributionId: string) => ({
      service: 'cloudfront.amazonaws.com',
      sourceArn: `arn:aws:cloudfront::${ACCOUNT}:distribution/${distributionId}`,
      action: 's3:GetObject',
      resource: `${bucket!}.Arn/index.html`,
    })
    expect(allowsService(document, read(distribution!), 'bucket')).toBe(true)
    expect(allowsService(document, read('another'), 'bucket')).toBe(false)
  })

  it('functions: EventBridge for each rule, Cognito for the trigger, each for its own resource only', () => {
    const permissions = stack.properties('AWS::Lambda::Permission')
    const to = (principal: string) =>
      permissions.filter(({ Principal }) => Principal === principal).map((of) => of['SourceArn'])
    const lambdaTargets = stack
      .properties('AWS::Events::Rule')
      .flatMap(({ Targets }) => Targets as { Arn: unknown }[])
    expect(to('events.amazonaws.com')).toHaveLength(lambdaTargets.length)
    expect(to('cognito-idp.amazonaws.com')).toHaveLength(1)
    for (const source of permissions.map((of) => of['SourceArn'])) expect(source).toBeDefined()
  })
})
