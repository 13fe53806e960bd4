import { StartError } from '../platform/errors.ts'
import type { CreatedResource, ResolvedResource, ResourceProvider } from '../platform/types.ts'
import type { Deployed, DeployedResource, DeployOptions, Plan } from './deploy.ts'
import { carryOut, deployedFrom, planOf } from './deploy.ts'
import { referencesOf } from './order.ts'

/** What became of a resource, for a person: `updated Routes… (AWS::Lambda::Function)`. */
type Note = (
  what: 'created' | 'updated' | 'replaced' | 'removed',
  resource: ResolvedResource,
) => void

export interface Redeployed {
  readonly deployed: Deployed
  /** One line per resource that is not as it was; empty = nothing had to change. */
  readonly changes: readonly string[]
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** What exists, by logical id, in creation order. */
type Existing = Map<string, DeployedResource>

const needsRestart = (what: string): StartError =>
  new StartError('CHANGE_NEEDS_RESTART', `${what} while it runs; stop and start again for it`)

/** What is gone, dependents first. Throws StartError `CHANGE_NEEDS_RESTART`, naming every one that cannot go, before anything went. */
function removable(plan: Plan, existing: Existing): readonly DeployedResource[] {
  const gone = [...existing.values()].filter(
    ({ logicalId, type }) => plan.wanted[logicalId]?.Type !== type,
  )
  const stuck = gone.filter(({ type }) => !plan.providers.get(type)?.delete)
  if (stuck.length > 0) {
    const names = stuck.map(({ logicalId, type }) => `${logicalId} (${type})`).join(', ')
    throw needsRestart(`${names}: cannot be removed`)
  }
  return gone.toReversed()
}

/** One resource from what it was to what it shall be. */
function applier(
  plan: Plan,
  existing: Existing,
  note: Note,
): (next: ResolvedResource, provider: ResourceProvider) => Promise<CreatedResource> {
  const replaced = new Set<string>()
  const refersToReplaced = (logicalId: string): boolean =>
    [...referencesOf(plan.wanted[logicalId]?.Properties)].some((id) => replaced.has(id))
  return async (next, provider) => {
    const before = existing.get(next.logicalId)
    if (before?.type !== next.type) {
      note('created', next)
      return provider.create(next)
    }
    if (same(before.properties, next.properties) && !refersToReplaced(next.logicalId)) {
      return { ref: before.physicalId, attributes: before.attributes }
    }
    if (provider.update) {
      note('updated', next)
      return provider.update(next, before)
    }
    if (!provider.delete) throw needsRestart('cannot change')
    note('replaced', next)
    replaced.add(next.logicalId)
    await provider.delete(before)
    return provider.create(next)
  }
}

/**
 * Turns what runs into another template: what is the same stays untouched, what changed is updated in place or replaced together with
 * what refers to it, what is new is created, what is gone is removed. Throws StartError as `deploy` does, and `CHANGE_NEEDS_RESTART`
 * naming a resource that can neither be updated nor replaced; changes made before it stay made, and `existing` always tells what there is.
 */
export async function redeploy(options: DeployOptions, existing: Existing): Promise<Redeployed> {
  const plan = planOf(options)
  const changes: string[] = []
  const note: Note = (what, { logicalId, type }) => {
    changes.push(`${what} ${logicalId} (${type})`)
  }
  const gone = removable(plan, existing)
  const apply = applier(plan, existing, note)
  const resources = await carryOut(plan, async (next, provider) => {
    const created = await apply(next, provider)
    const { ref: physicalId, attributes = {} } = created
    existing.set(next.logicalId, { ...next, physicalId, attributes })
    return created
  })
  for (const resource of gone) {
    note('removed', resource)
    await plan.providers.get(resource.type)?.delete?.(resource)
    if (existing.get(resource.logicalId) === resource) existing.delete(resource.logicalId)
  }
  return { deployed: deployedFrom(plan, resources), changes }
}
