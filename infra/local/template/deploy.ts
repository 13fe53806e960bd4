import { AwsError, StartError } from '../platform/errors.ts'
import type { HostMap } from '../platform/host-map.ts'
import type {
  Account,
  CreatedResource,
  ResolvedResource,
  ResourceProvider,
} from '../platform/types.ts'
import type { Scope } from './intrinsics.ts'
import { NO_VALUE, resolve } from './intrinsics.ts'
import { creationOrder } from './order.ts'
import { unsupported } from './properties.ts'
import { createScope } from './scope.ts'
import type { Template, TemplateResource } from './template.ts'
import { isRecord } from './template.ts'

/** One resource that exists now. */
export interface DeployedResource extends ResolvedResource {
  /** The value of `Ref`. */
  readonly physicalId: string
  readonly attributes: NonNullable<CreatedResource['attributes']>
}

export interface DeployedOutput {
  readonly key: string
  readonly value: string
  readonly description?: string
  readonly exportName?: string
}

/** A template that is running. */
export interface Deployed {
  readonly account: Account
  /** In creation order. */
  readonly resources: readonly DeployedResource[]
  readonly outputs: readonly DeployedOutput[]
  byType(type: string): readonly DeployedResource[]
  byLogicalId(logicalId: string): DeployedResource | undefined
}

export interface DeployOptions {
  readonly template: Template
  readonly account: Account
  readonly providers: readonly ResourceProvider[]
  /** Replaces the cloud's host names in every resolved string. */
  readonly hosts: HostMap
  readonly parameters?: Readonly<Record<string, string>>
}

function rewriteHosts(value: unknown, hosts: HostMap): unknown {
  if (typeof value === 'string') return hosts.rewrite(value)
  if (Array.isArray(value)) return value.map((entry) => rewriteHosts(entry, hosts))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, rewriteHosts(entry, hosts)]),
  )
}

const isWanted = (item: { readonly Condition?: string }, scope: Scope): boolean =>
  item.Condition === undefined || scope.condition(item.Condition)

/** All problems at once, one line each, before anything is created. */
function refuseUnsupported(
  wanted: Readonly<Record<string, TemplateResource>>,
  providers: ReadonlyMap<string, ResourceProvider>,
  scope: Scope,
): void {
  const problems = Object.entries(wanted).flatMap(([logicalId, resource]) =>
    unsupported(logicalId, resource, providers.get(resource.Type), scope),
  )
  if (problems.length === 0) return
  throw new StartError(
    'TEMPLATE_UNSUPPORTED',
    `the template asks for ${problems.length === 1 ? 'something' : `${problems.length} things`} that infra/local cannot run:\n${problems.map((line) => `  ${line}`).join('\n')}`,
  )
}

/** A failure of one resource with its name in front; anything but a StartError or AwsError is our own bug and keeps its stack. */
function named(logicalId: string, type: string, error: unknown): unknown {
  if (error instanceof StartError) {
    return new StartError(error.code, `${logicalId} (${type}): ${error.message}`, { cause: error })
  }
  if (error instanceof AwsError) {
    return new StartError(
      'RESOURCE_FAILED',
      `${logicalId} (${type}): ${error.code}: ${error.message}`,
      { cause: error },
    )
  }
  return error
}

/** Every intrinsic resolved from what exists so far. */
function resolved(
  logicalId: string,
  resource: TemplateResource,
  { scope, hosts }: Pick<Plan, 'scope' | 'hosts'>,
): ResolvedResource {
  return {
    logicalId,
    type: resource.Type,
    properties: rewriteHosts(resolve(resource.Properties ?? {}, scope), hosts) as Readonly<
      Record<string, unknown>
    >,
    ...(resource.Metadata && { metadata: resource.Metadata }),
  }
}

/** A template about to become resources. */
export interface Plan {
  readonly template: Template
  readonly account: Account
  readonly hosts: HostMap
  readonly scope: Scope
  readonly providers: ReadonlyMap<string, ResourceProvider>
  /** Those whose condition holds. */
  readonly wanted: Readonly<Record<string, TemplateResource>>
  readonly created: Map<string, CreatedResource>
}

/** Throws StartError `TEMPLATE_UNSUPPORTED`, `TEMPLATE_INVALID`. */
export function planOf(options: DeployOptions): Plan {
  const { template, account, hosts } = options
  const created = new Map<string, CreatedResource>()
  const scope = createScope({ template, account, parameters: options.parameters ?? {}, created })
  const wanted = Object.fromEntries(
    Object.entries(template.Resources).filter(([, resource]) => isWanted(resource, scope)),
  )
  const providers = new Map(options.providers.map((provider) => [provider.type, provider]))
  refuseUnsupported(wanted, providers, scope)
  return { template, account, hosts, scope, providers, wanted, created }
}

/** Brings the resources of a plan into being, each by `apply`, in an order in which each finds what it refers to. */
export async function carryOut(
  plan: Plan,
  apply: (
    resource: ResolvedResource,
    provider: ResourceProvider,
  ) => Promise<CreatedResource> | CreatedResource,
): Promise<readonly DeployedResource[]> {
  const resources: DeployedResource[] = []
  for (const logicalId of creationOrder(plan.wanted)) {
    const resource = plan.wanted[logicalId]
    const provider = resource && plan.providers.get(resource.Type)
    if (!provider) continue
    try {
      const next = resolved(logicalId, resource, plan)
      const created = await apply(next, provider)
      plan.created.set(logicalId, created)
      resources.push({ ...next, physicalId: created.ref, attributes: created.attributes ?? {} })
    } catch (error) {
      throw named(logicalId, resource.Type, error)
    }
  }
  return resources
}

/** What runs once a plan has been carried out. */
export function deployedFrom(plan: Plan, resources: readonly DeployedResource[]): Deployed {
  return {
    account: plan.account,
    resources,
    outputs: outputsOf(plan.template, plan.scope, plan.hosts),
    byType: (type) => resources.filter((resource) => resource.type === type),
    byLogicalId: (logicalId) => resources.find((resource) => resource.logicalId === logicalId),
  }
}

function outputsOf(template: Template, scope: Scope, hosts: HostMap): readonly DeployedOutput[] {
  return Object.entries(template.Outputs ?? {}).flatMap(([key, output]) => {
    if (!isWanted(output, scope)) return []
    const value = resolve(output.Value, scope)
    if (value === NO_VALUE) return []
    const exportName = output.Export && resolve(output.Export.Name, scope)
    return [
      {
        key,
        value: hosts.rewrite(typeof value === 'string' ? value : JSON.stringify(value)),
        ...(output.Description !== undefined && { description: output.Description }),
        ...(typeof exportName === 'string' && { exportName }),
      },
    ]
  })
}

/**
 * Creates the template's resources through their providers, in dependency order, each with its properties resolved from what was
 * created before. Throws StartError: `TEMPLATE_UNSUPPORTED` (every problem, one line each), `TEMPLATE_CYCLE`, `TEMPLATE_INVALID`,
 * `RESOURCE_FAILED`.
 */
export async function deploy(options: DeployOptions): Promise<Deployed> {
  const plan = planOf(options)
  return deployedFrom(plan, await carryOut(plan, (resource, provider) => provider.create(resource)))
}
