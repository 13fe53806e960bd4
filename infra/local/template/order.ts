import { StartError } from '../platform/errors.ts'
import { getAttTarget, intrinsicOf, subArgument, subParts } from './intrinsics.ts'
import type { TemplateResource } from './template.ts'
import { isRecord } from './template.ts'

/** Names in an `Fn::Sub` that its own variables do not define. */
function subReferences(argument: unknown, into: Set<string>): void {
  const { template, variables } = subArgument(argument)
  for (const part of subParts(template)) {
    if ('name' in part && !Object.hasOwn(variables, part.name)) {
      into.add(part.name.split('.')[0] ?? part.name)
    }
  }
  collect(variables, into)
}

function collect(value: unknown, into: Set<string>): void {
  if (Array.isArray(value)) {
    for (const entry of value) collect(entry, into)
    return
  }
  if (!isRecord(value)) return
  const intrinsic = intrinsicOf(value)
  if (intrinsic?.name === 'Ref' && typeof intrinsic.argument === 'string') {
    into.add(intrinsic.argument)
  } else if (intrinsic?.name === 'Fn::GetAtt') {
    into.add(getAttTarget(intrinsic.argument)[0])
    collect(intrinsic.argument, into)
  } else if (intrinsic?.name === 'Fn::Sub') {
    subReferences(intrinsic.argument, into)
  } else {
    for (const entry of Object.values(value)) collect(entry, into)
  }
}

/** Every name that `value` refers to, resources and parameters alike. */
export function referencesOf(value: unknown): ReadonlySet<string> {
  const found = new Set<string>()
  collect(value, found)
  return found
}

function dependenciesOf(resource: TemplateResource): ReadonlySet<string> {
  const found = new Set(referencesOf(resource.Properties))
  const explicit = resource.DependsOn ?? []
  for (const id of typeof explicit === 'string' ? [explicit] : explicit) found.add(id)
  return found
}

/**
 * Logical ids so that each comes after what it refers to, otherwise in the template's order.
 * Throws StartError `TEMPLATE_CYCLE` naming the ids of the cycle.
 */
export function creationOrder(
  resources: Readonly<Record<string, TemplateResource>>,
): readonly string[] {
  const order: string[] = []
  const state = new Map<string, 'open' | 'done'>()
  const visit = (id: string, path: readonly string[]): void => {
    const resource = resources[id]
    if (!resource || state.get(id) === 'done') return
    if (state.get(id) === 'open') {
      const cycle = [...path.slice(path.indexOf(id)), id]
      throw new StartError('TEMPLATE_CYCLE', `resources depend on each other: ${cycle.join(' → ')}`)
    }
    state.set(id, 'open')
    for (const dependency of dependenciesOf(resource)) visit(dependency, [...path, id])
    state.set(id, 'done')
    order.push(id)
  }
  for (const id of Object.keys(resources)) visit(id, [])
  return order
}
