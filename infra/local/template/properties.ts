import type { PropertySpec, ResourceProvider } from '../platform/types.ts'
import type { Scope } from './intrinsics.ts'
import { intrinsicOf, NO_VALUE } from './intrinsics.ts'
import type { TemplateResource } from './template.ts'
import { isRecord } from './template.ts'

/** Only the branch of an `Fn::If` that will be taken counts; what any other intrinsic gives is known later and taken as it comes. */
function taken(value: unknown, scope: Scope): unknown {
  const intrinsic = intrinsicOf(value)
  if (!intrinsic) return value
  if (intrinsic.name === 'Fn::If' && Array.isArray(intrinsic.argument)) {
    const [name, whenTrue, whenFalse] = intrinsic.argument as readonly unknown[]
    return taken(scope.condition(String(name)) ? whenTrue : whenFalse, scope)
  }
  return NO_VALUE
}

function check(value: unknown, spec: PropertySpec, path: string, scope: Scope): readonly string[] {
  if (typeof spec === 'string') return []
  const actual = taken(value, scope)
  if (actual === NO_VALUE) return []
  if (isListSpec(spec)) {
    if (!Array.isArray(actual)) return [`${path} must be a list`]
    return actual.flatMap((entry, index) => check(entry, spec[0], `${path}[${index}]`, scope))
  }
  if (!isRecord(actual)) return [`${path} must be an object`]
  return Object.entries(actual).flatMap(([name, entry]) => {
    const nested = Object.hasOwn(spec, name) ? spec[name] : spec['*']
    const nestedPath = path === '' ? name : `${path}.${name}`
    return nested ? check(entry, nested, nestedPath, scope) : [`${nestedPath} is not supported`]
  })
}

const isListSpec = (spec: PropertySpec): spec is readonly [PropertySpec] => Array.isArray(spec)

/**
 * What of a resource infra/local cannot honour: one line per problem, with logical id, type and the property's path.
 * Empty when everything is understood. Nothing is silently ignored.
 */
export function unsupported(
  logicalId: string,
  resource: TemplateResource,
  provider: ResourceProvider | undefined,
  scope: Scope,
): readonly string[] {
  const name = `${logicalId} (${resource.Type})`
  if (!provider) return [`${name}: this resource type is not supported`]
  return check(resource.Properties ?? {}, provider.properties, '', scope).map(
    (problem) => `${name}: ${problem}`,
  )
}
