import { describe, expect, test } from 'vitest'
import { AwsError, StartError } from '../platform/errors.ts'
import { createHostMap } from '../platform/host-map.ts'
import type { PropertySpec, ResolvedResource, ResourceProvider } from '../platform/types.ts'
import { deploy } from './deploy.ts'
import type { Deployed } from './deploy.ts'
import type { Template, TemplateResource } from './template.ts'

const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Test' }

/** A provider that keeps what it was asked to create. */
function provider(
  type: string,
  properties: Readonly<Record<string, PropertySpec>> = { '*': 'used' },
): ResourceProvider & { readonly seen: ResolvedResource[] } {
  const seen: ResolvedResource[] = []
  return {
    type,
    properties,
    seen,
    create(resource) {
      seen.push(resource)
      return { ref: `ref-${resource.logicalId}`, attributes: { Arn: `arn:${resource.logicalId}` } }
    },
  }
}

const run = (
  resources: Readonly<Record<string, TemplateResource>>,
  providers: readonly ResourceProvider[],
  more: Partial<Template> = {},
): Promise<Deployed> =>
  deploy({
    template: { Resources: resources, ...more },
    account,
    providers,
    hosts: createHostMap(),
  })

describe('deploy', () => {
  test('creates each resource after what it refers to, with the references resolved', async () => {
    const thing = provider('Test::Thing')
    const deployed = await run(
      {
        A: { Type: 'Test::Thing', Properties: { b: { 'Fn::GetAtt': ['B', 'Arn'] } } },
        B: { Type: 'Test::Thing', Properties: { c: { 'Fn::Sub': '${C}!' } } },
        C: { Type: 'Test::Thing', DependsOn: ['D'] },
        D: { Type: 'Test::Thing' },
      },
      [thing],
    )
    expect(thing.seen.map((resource) => resource.logicalId)).toEqual(['D', 'C', 'B', 'A'])
    expect(deployed.byLogicalId('A')?.properties).toEqual({ b: 'arn:B' })
    expect(deployed.byLogicalId('B')?.properties).toEqual({ c: 'ref-C!' })
  })

  test('names the ids of a cycle', async () => {
    const resources = {
      A: { Type: 'Test::Thing', Properties: { b: { Ref: 'B' } } },
      B: { Type: 'Test::Thing', DependsOn: 'A' },
    }
    await expect(run(resources, [provider('Test::Thing')])).rejects.toThrow('A → B → A')
  })

  test('names every unsupported type and property at once, before anything is created', async () => {
    const thing = provider('Test::Thing', {
      name: 'used',
      nested: { list: [{ known: 'used' }], map: { '*': 'inert' } },
    })
    const resources = {
      Good: { Type: 'Test::Thing', Properties: { nested: { map: { anything: 1 } } } },
      Bad: {
        Type: 'Test::Thing',
        Properties: { colour: 'red', nested: { list: [{ known: 1 }, { unknown: 2 }] } },
      },
      Alien: { Type: 'AWS::Braket::QuantumTask' },
    }
    const error = await run(resources, [thing]).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(StartError)
    expect((error as StartError).message.split('\n').slice(1)).toEqual([
      '  Bad (Test::Thing): colour is not supported',
      '  Bad (Test::Thing): nested.list[1].unknown is not supported',
      '  Alien (AWS::Braket::QuantumTask): this resource type is not supported',
    ])
    expect(thing.seen).toEqual([])
  })

  test('only the branch of Fn::If that is taken must be supported', async () => {
    const thing = provider('Test::Thing', { nested: { known: 'used' } })
    const of = (condition: boolean): Promise<Deployed> =>
      run(
        {
          A: {
            Type: 'Test::Thing',
            Properties: { nested: { 'Fn::If': ['Odd', { odd: 1 }, { known: 1 }] } },
          },
        },
        [thing],
        { Conditions: { Odd: { 'Fn::Equals': [condition, true] } } },
      )
    await expect(of(false)).resolves.toBeDefined()
    await expect(of(true)).rejects.toThrow('nested.odd is not supported')
  })

  test('leaves out what its condition excludes', async () => {
    const thing = provider('Test::Thing')
    const deployed = await run(
      { A: { Type: 'Test::Thing', Condition: 'No' }, B: { Type: 'Test::Thing' } },
      [thing],
      { Conditions: { No: { 'Fn::Equals': ['a', 'b'] } } },
    )
    expect(deployed.resources.map((resource) => resource.logicalId)).toEqual(['B'])
  })

  test('puts the logical id in front of what a service refuses', async () => {
    const refusing: ResourceProvider = {
      type: 'Test::Thing',
      properties: {},
      create: () => {
        throw new AwsError('ValidationException', 'no such shard')
      },
    }
    await expect(run({ A: { Type: 'Test::Thing' } }, [refusing])).rejects.toThrow(
      'A (Test::Thing): ValidationException: no such shard',
    )
  })

  test('replaces cloud host names in properties and outputs by local addresses', async () => {
    const thing = provider('Test::Thing')
    const hosts = createHostMap()
    hosts.add('ref-Api.execute-api.eu-west-1.amazonaws.com', '127.0.0.1:4000')
    const url = {
      'Fn::Join': [
        '',
        [
          'https://',
          { Ref: 'Api' },
          '.execute-api.',
          { Ref: 'AWS::Region' },
          '.amazonaws.com/prod',
        ],
      ],
    }
    const deployed = await deploy({
      account,
      hosts,
      providers: [thing],
      template: {
        Resources: {
          Api: { Type: 'Test::Thing' },
          User: { Type: 'Test::Thing', Properties: { env: { URL: url } } },
        },
        Outputs: { Url: { Value: url } },
      },
    })
    expect(deployed.byLogicalId('User')?.properties).toEqual({
      env: { URL: 'http://127.0.0.1:4000/prod' },
    })
    expect(deployed.outputs).toEqual([{ key: 'Url', value: 'http://127.0.0.1:4000/prod' }])
  })
})
