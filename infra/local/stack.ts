import { readCloudAssembly } from './cloud-assembly.ts'
import { StartError } from './platform/errors.ts'
import type { HostMap } from './platform/host-map.ts'
import type { Account, ResourceProvider } from './platform/types.ts'
import type { AssetPath } from './template/assets.ts'
import type { Deployed } from './template/deploy.ts'
import { deploy } from './template/deploy.ts'
import { redeploy } from './template/redeploy.ts'
import type { Template } from './template/template.ts'
import { isRecord } from './template/template.ts'

/** The stack of this process: one template that runs and can be changed while it runs. */
export interface Stack {
  /** Throws TypeError before {@link Stack.deploy}. */
  deployed(): Deployed
  isDeployed(): boolean
  template(): Template
  deploy(options: {
    readonly providers: readonly ResourceProvider[]
    readonly hosts: HostMap
  }): Promise<void>
  /** Reads `cdk.out` again and takes it over. One line per resource that changed. Throws StartError as `redeploy` does. */
  redeploy(): Promise<readonly string[]>
  /** Runs the functions of a service from another directory. Throws StartError `USAGE` when there is none. */
  replaceCode(service: string, directory: string): Promise<void>
}

/** Key of the code of a service that was bundled while the system runs. */
const liveKey = (service: string): string => `live/${service}`

/**
 * Assets of the newest assembly and, because what runs was made from it, of those before. `live` code has keys of its own.
 */
export function createAssets(first: AssetPath): {
  readonly path: AssetPath
  add(newer: AssetPath): void
  setLive(service: string, directory: string): string
} {
  const live = new Map<string, string>()
  let newest = first
  return {
    path: (key) => live.get(key) ?? newest(key),
    add(newer) {
      const older = newest
      newest = (key) => {
        try {
          return newer(key)
        } catch {
          return older(key)
        }
      }
    },
    setLive(service, directory) {
      live.set(liveKey(service), directory)
      return liveKey(service)
    },
  }
}

/** A stack that is not deployed yet. */
export function createStack(options: {
  readonly cdkOut: string
  readonly account: Account
  readonly template: Template
  readonly assets: ReturnType<typeof createAssets>
}): Stack {
  const { account, assets } = options
  let template = options.template
  let base: { providers: readonly ResourceProvider[]; hosts: HostMap } | undefined
  let deployed: Deployed | undefined
  let existing: Parameters<typeof redeploy>[1] = new Map()
  const running = (): NonNullable<typeof base> => {
    if (!base) throw new TypeError('the stack is not deployed yet')
    return base
  }
  return {
    deployed() {
      if (!deployed) throw new TypeError('the stack is not deployed yet')
      return deployed
    },
    isDeployed: () => deployed !== undefined,
    template: () => template,
    async deploy(on) {
      base = on
      deployed = await deploy({ template, account, ...on })
      existing = new Map(deployed.resources.map((resource) => [resource.logicalId, resource]))
    },
    async redeploy() {
      const assembly = await readCloudAssembly(options.cdkOut)
      assets.add(assembly.assetPath)
      const next = { template: assembly.template, account, ...running() }
      const { deployed: now, changes } = await redeploy(next, existing)
      deployed = now
      template = assembly.template
      return changes
    },
    async replaceCode(service, directory) {
      const functions = [...existing.values()].filter(
        ({ type, properties }) => type === FUNCTION && serviceOf(properties) === service,
      )
      if (functions.length === 0) {
        throw new StartError('USAGE', `the template has no function of the service ${service}`)
      }
      const provider = running().providers.find(({ type }) => type === FUNCTION)
      const S3Key = assets.setLive(service, directory)
      for (const resource of functions) {
        const properties = { ...resource.properties, Code: { S3Key } }
        await provider?.update?.({ ...resource, properties }, resource)
      }
    },
  }
}

const FUNCTION = 'AWS::Lambda::Function'

/** Each function is told its own service's name. */
function serviceOf(properties: Readonly<Record<string, unknown>>): unknown {
  const environment = properties['Environment']
  const variables = isRecord(environment) ? environment['Variables'] : undefined
  return isRecord(variables) ? variables['POWERTOOLS_SERVICE_NAME'] : undefined
}
