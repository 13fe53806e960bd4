import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startSystem } from './system.ts'
import type { System } from './system.ts'

let cdkOut: string
let system: System | undefined

/** A cloud assembly as the CDK writes it, with this template. */
function assembly(resources: Readonly<Record<string, unknown>>): void {
  mkdirSync(path.join(cdkOut, 'asset.1'), { recursive: true })
  const files: Readonly<Record<string, unknown>> = {
    'asset.1/index.mjs': undefined,
    'manifest.json': {
      artifacts: {
        Small: {
          type: 'aws:cloudformation:stack',
          properties: { templateFile: 'Small.template.json' },
        },
      },
    },
    'Small.metadata.json': {
      '/Small/Tables/History/Resource': [{ type: 'aws:cdk:logicalId', data: 'TablesHistory1' }],
      '/Small/Greeter/Function/Resource': [{ type: 'aws:cdk:logicalId', data: 'Greeter1' }],
    },
    'Small.template.json': { Resources: resources },
    'Small.assets.json': {
      files: {
        one: { source: { path: 'asset.1' }, destinations: { here: { objectKey: 'one.zip' } } },
      },
    },
  }
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(
      path.join(cdkOut, name),
      content === undefined
        ? 'export const handler = async (event) => ({ hello: event.name })'
        : JSON.stringify(content),
    )
  }
}

const table = {
  Type: 'AWS::DynamoDB::Table',
  Properties: {
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    BillingMode: 'PAY_PER_REQUEST',
  },
}

const role = {
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' } }],
    },
  },
}

const greeter = {
  Type: 'AWS::Lambda::Function',
  Properties: {
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Code: { S3Bucket: 'assets', S3Key: 'one.zip' },
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
  },
}

const without = <T>(all: Readonly<Record<string, T>>, name: string): Record<string, T> =>
  Object.fromEntries(Object.entries(all).filter(([key]) => key !== name))

const isFree = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(Number(new URL(url).port), '127.0.0.1', () => probe.close(() => resolve(true)))
  })

beforeEach(() => {
  cdkOut = mkdtempSync(path.join(tmpdir(), 'gaugeline-system-'))
})
afterEach(async () => {
  await system?.stop()
  system = undefined
  rmSync(cdkOut, { recursive: true, force: true })
})

describe('a system from a template', () => {
  test('has what the template has, by its logical names, and runs its functions', async () => {
    assembly({ TablesHistory1: table, Role: role, Greeter1: greeter })
    system = await startSystem({ cdkOut, localKey: 'key' })
    expect(Object.keys(system.endpoints.tables)).toEqual(['History'])
    const functionName = system.endpoints.functions['Greeter']!
    const result = await system.services.lambda.invoke({ functionName, payload: { name: 'ana' } })
    expect(result.payload).toEqual({ hello: 'ana' })
  })

  test('loses exactly what is taken out of the template', async () => {
    assembly({ TablesHistory1: table, Role: role, Greeter1: greeter })
    system = await startSystem({
      cdkOut,
      localKey: 'key',
      edit: (template) => ({
        ...template,
        Resources: without(template.Resources, 'TablesHistory1'),
      }),
    })
    expect(system.endpoints.tables).toEqual({})
    expect(Object.keys(system.endpoints.functions)).toEqual(['Greeter'])
  })

  test('leaves no port behind after stop', async () => {
    assembly({})
    system = await startSystem({ cdkOut, localKey: 'key' })
    const { aws, mqtt } = system.endpoints
    expect(await Promise.all([aws, mqtt].map(isFree))).toEqual([false, false])
    await system.stop()
    system = undefined
    expect(await Promise.all([aws, mqtt].map(isFree))).toEqual([true, true])
  })

  test('a start that fails leaves no port behind either', async () => {
    assembly({ Alien: { Type: 'AWS::Braket::QuantumTask' } })
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
    const { port } = holder.address() as AddressInfo
    await new Promise((resolve) => holder.close(resolve))
    const starting = startSystem({ cdkOut, localKey: 'key', ports: { aws: port } })
    await expect(starting).rejects.toThrow('Alien (AWS::Braket::QuantumTask)')
    expect(await isFree(`http://127.0.0.1:${port}`)).toBe(true)
  })

  test('two systems run side by side', async () => {
    assembly({ TablesHistory1: table })
    system = await startSystem({ cdkOut, localKey: 'key' })
    const other = await startSystem({ cdkOut, localKey: 'key' })
    expect(other.endpoints.aws).not.toBe(system.endpoints.aws)
    await other.stop()
  })

  test('a missing cdk.out says what to run', async () => {
    await expect(startSystem({ cdkOut, localKey: 'key' })).rejects.toThrow('npm run synth')
  })

  test('--logs of a function that does not exist names those that do', async () => {
    assembly({ Role: role, Greeter1: greeter })
    system = await startSystem({ cdkOut, localKey: 'key' })
    expect(() => system!.followLogs('deliver', () => undefined)).toThrow('there are Greeter')
  })
})

describe('a running system takes over', () => {
  const named = (service: string) => ({
    ...greeter,
    Properties: {
      ...greeter.Properties,
      Environment: { Variables: { POWERTOOLS_SERVICE_NAME: service } },
    },
  })
  const greet = async ({ endpoints, services }: System): Promise<unknown> => {
    const functionName = Object.values(endpoints.functions)[0] ?? ''
    return (await services.lambda.invoke({ functionName, payload: { name: 'Ana' } })).payload
  }

  test('new code of a service from the next event on', async () => {
    assembly({ Role: role, Greeter1: named('greeter') })
    system = await startSystem({ cdkOut, localKey: 'key' })
    expect(await greet(system)).toEqual({ hello: 'Ana' })
    const directory = path.join(cdkOut, 'edited')
    mkdirSync(directory)
    writeFileSync(path.join(directory, 'index.mjs'), "export const handler = () => 'edited'")
    await system.replaceCode('greeter', directory)
    expect(await greet(system)).toBe('edited')
    await expect(system.replaceCode('nobody', directory)).rejects.toThrow(
      'the template has no function of the service nobody',
    )
  })

  test('an edited template, resource by resource', async () => {
    assembly({ TablesHistory1: table, Role: role, Greeter1: named('greeter') })
    system = await startSystem({ cdkOut, localKey: 'key' })
    assembly({ TablesHistory1: table, Role: role, Greeter1: named('other'), More: table })
    expect(await system.redeploy()).toEqual([
      'updated Greeter1 (AWS::Lambda::Function)',
      'created More (AWS::DynamoDB::Table)',
    ])
    expect(await system.redeploy()).toEqual([])
    expect(await greet(system)).toEqual({ hello: 'Ana' })
    assembly({ TablesHistory1: table, Role: role, Greeter1: named('other') })
    expect(await system.redeploy()).toEqual(['removed More (AWS::DynamoDB::Table)'])
  })
})
