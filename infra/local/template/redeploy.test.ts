import { describe, expect, test } from 'vitest'
import { createHostMap } from '../platform/host-map.ts'
import type { ResourceProvider } from '../platform/types.ts'
import type { DeployedResource } from './deploy.ts'
import { deploy } from './deploy.ts'
import { redeploy } from './redeploy.ts'
import type { Template } from './template.ts'

const base = {
  account: { region: 'eu-west-1', accountId: '000000000000', stackName: 'Test' },
  hosts: createHostMap(),
}

/** Providers that tell what they were asked: one that updates, one that can only be replaced, one that can do neither. */
function providers(): { readonly list: readonly ResourceProvider[]; readonly calls: string[] } {
  const calls: string[] = []
  const called =
    (what: string): ResourceProvider['create'] =>
    ({ logicalId }) => {
      calls.push(`${what} ${logicalId}`)
      return { ref: logicalId.toLowerCase() }
    }
  const remove = (resource: Parameters<ResourceProvider['create']>[0]): void => {
    void called('delete')(resource)
  }
  const make = (type: string): ResourceProvider => ({
    type,
    properties: { '*': 'used' },
    create: called('create'),
  })
  return {
    calls,
    list: [
      { ...make('Updates'), update: called('update'), delete: remove },
      { ...make('Replaces'), delete: remove },
      make('Stays'),
    ],
  }
}

async function changed(before: Template['Resources'], after: Template['Resources']) {
  const { list, calls } = providers()
  const first = await deploy({ ...base, providers: list, template: { Resources: before } })
  calls.length = 0
  const existing = new Map<string, DeployedResource>(
    first.resources.map((resource) => [resource.logicalId, resource]),
  )
  const result = redeploy({ ...base, providers: list, template: { Resources: after } }, existing)
  return { result, calls, existing }
}

describe('redeploy', () => {
  test('leaves alone what is the same, updates what changed, creates what is new, removes what is gone', async () => {
    const { result, calls, existing } = await changed(
      {
        Same: { Type: 'Stays', Properties: { a: 1 } },
        Edited: { Type: 'Updates', Properties: { a: 1 } },
        Gone: { Type: 'Updates' },
      },
      {
        Same: { Type: 'Stays', Properties: { a: 1 } },
        Edited: { Type: 'Updates', Properties: { a: 2 } },
        New: { Type: 'Stays' },
      },
    )
    const { deployed, changes } = await result
    expect(calls).toEqual(['update Edited', 'create New', 'delete Gone'])
    expect(changes).toEqual([
      'updated Edited (Updates)',
      'created New (Stays)',
      'removed Gone (Updates)',
    ])
    expect(deployed.byLogicalId('Edited')?.properties).toEqual({ a: 2 })
    expect([...existing.keys()]).toEqual(['Same', 'Edited', 'New'])
  })

  test('replaces what cannot be updated, and applies again what refers to it', async () => {
    const user = { Type: 'Updates', Properties: { of: { Ref: 'Base' } } }
    const { result, calls } = await changed(
      { Base: { Type: 'Replaces', Properties: { a: 1 } }, User: user },
      { Base: { Type: 'Replaces', Properties: { a: 2 } }, User: user },
    )
    expect((await result).changes).toEqual(['replaced Base (Replaces)', 'updated User (Updates)'])
    expect(calls).toEqual(['delete Base', 'create Base', 'update User'])
  })

  test('names what cannot change or go while it runs', async () => {
    const edited = await changed(
      { A: { Type: 'Stays' } },
      { A: { Type: 'Stays', Properties: { a: 1 } } },
    )
    await expect(edited.result).rejects.toMatchObject({
      code: 'CHANGE_NEEDS_RESTART',
      message: expect.stringContaining('A (Stays): cannot change while it runs') as string,
    })
    const removed = await changed({ A: { Type: 'Stays' }, B: { Type: 'Updates' } }, {})
    await expect(removed.result).rejects.toThrow('A (Stays): cannot be removed while it runs')
    expect(removed.calls).toEqual([])
  })
})
