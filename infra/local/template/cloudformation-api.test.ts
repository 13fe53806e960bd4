import {
  CloudFormationClient,
  DescribeStackResourceCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
  ListStackResourcesCommand,
  ListStacksCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../platform/clock.ts'
import { createHostMap } from '../platform/host-map.ts'
import { createEndpoint } from '../services/endpoint/index.ts'
import { createInert } from '../services/inert/index.ts'
import { cloudFormationApi } from './cloudformation-api.ts'
import { deploy } from './deploy.ts'
import type { Template } from './template.ts'

const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Test' }
const template: Template = {
  Resources: { Meta: { Type: 'AWS::CDK::Metadata' }, Budget: { Type: 'AWS::Budgets::Budget' } },
  Outputs: { Url: { Value: 'http://a?b=1&c=<2>', Description: 'where', Export: { Name: 'url' } } },
}
const endpoint = createEndpoint({
  clock: systemClock(),
  account,
  port: 0,
  principals: () => undefined,
})
let client: CloudFormationClient

beforeAll(async () => {
  const deployed = await deploy({
    template,
    account,
    hosts: createHostMap(),
    providers: createInert({ account }).providers,
  })
  endpoint.mount(
    cloudFormationApi(() => ({ deployed, template, createdAt: '2026-01-01T00:00:00.000Z' })),
  )
  await endpoint.start()
  client = new CloudFormationClient({
    endpoint: endpoint.url,
    region: 'eu-west-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
})
afterAll(async () => {
  client.destroy()
  await endpoint.stop()
})

describe('CloudFormation, asked by the JavaScript SDK', () => {
  test('DescribeStacks gives state and outputs, markup characters intact', async () => {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: 'Test' }))
    expect(Stacks).toMatchObject([
      {
        StackName: 'Test',
        StackStatus: 'CREATE_COMPLETE',
        CreationTime: new Date('2026-01-01T00:00:00Z'),
        Outputs: [{ OutputKey: 'Url', OutputValue: 'http://a?b=1&c=<2>', ExportName: 'url' }],
      },
    ])
  })

  test('DescribeStackResources lists all, or the one that is named', async () => {
    const all = await client.send(new DescribeStackResourcesCommand({ StackName: 'Test' }))
    expect(all.StackResources?.map((resource) => resource.ResourceType)).toEqual([
      'AWS::CDK::Metadata',
      'AWS::Budgets::Budget',
    ])
    const one = await client.send(
      new DescribeStackResourcesCommand({ StackName: 'Test', LogicalResourceId: 'Budget' }),
    )
    expect(one.StackResources).toMatchObject([
      { LogicalResourceId: 'Budget', PhysicalResourceId: expect.any(String) as string },
    ])
  })

  test('ListStacks, ListStackResources and GetTemplate answer for the one stack', async () => {
    const stacks = await client.send(new ListStacksCommand({}))
    expect(stacks.StackSummaries?.map((stack) => stack.StackName)).toEqual(['Test'])
    const resources = await client.send(new ListStackResourcesCommand({ StackName: 'Test' }))
    expect(resources.StackResourceSummaries).toHaveLength(2)
    const { TemplateBody } = await client.send(new GetTemplateCommand({ StackName: 'Test' }))
    expect(JSON.parse(TemplateBody ?? '')).toEqual(template)
  })

  test('another stack does not exist', async () => {
    const asking = client.send(new DescribeStacksCommand({ StackName: 'Other' }))
    await expect(asking).rejects.toMatchObject({
      name: 'ValidationError',
      message: 'Stack with id Other does not exist',
    })
  })

  test('an operation that changes stacks names itself as not emulated', async () => {
    const asking = client.send(new UpdateStackCommand({ StackName: 'Test' }))
    await expect(asking).rejects.toThrow('cloudformation:UpdateStack is not emulated')
  })

  test('DescribeStackResource gives one resource, and names the one that does not exist', async () => {
    const of = (LogicalResourceId: string) =>
      client.send(new DescribeStackResourceCommand({ StackName: 'Test', LogicalResourceId }))
    expect((await of('Budget')).StackResourceDetail).toMatchObject({
      LogicalResourceId: 'Budget',
      ResourceType: 'AWS::Budgets::Budget',
      ResourceStatus: 'CREATE_COMPLETE',
    })
    await expect(of('Nothing')).rejects.toThrow('Resource Nothing does not exist')
  })
})
