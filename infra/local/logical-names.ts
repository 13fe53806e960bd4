import type { DeployedResource } from './template/deploy.ts'
import { isRecord } from './template/template.ts'

/** Parts of a construct path that say what it is, not which one. */
const kindParts = new Set(['Resource', 'Default', 'Function'])

/** `/Gaugeline/Tables/Connections/Resource` → `Connections`. */
function constructName(path: string | undefined): string | undefined {
  return path
    ?.split('/')
    .filter((part) => part !== '' && !kindParts.has(part))
    .at(-1)
}

/** A function is known by the name that it puts on its logs and metrics (`deliver`), when it has one. */
function serviceName(resource: DeployedResource): string | undefined {
  const environment = resource.properties['Environment']
  const variables = isRecord(environment) ? environment['Variables'] : undefined
  const name = isRecord(variables) ? variables['POWERTOOLS_SERVICE_NAME'] : undefined
  return typeof name === 'string' ? name : undefined
}

/** Name for people → physical id; where two would have the same name both keep their logical ids. */
export function byLogicalName(
  resources: readonly DeployedResource[],
  constructPath: (logicalId: string) => string | undefined,
): Readonly<Record<string, string>> {
  const names = resources.map(
    (resource) =>
      serviceName(resource) ??
      constructName(constructPath(resource.logicalId)) ??
      resource.logicalId,
  )
  return Object.fromEntries(
    resources.map((resource, index) => {
      const name = names[index] ?? resource.logicalId
      const isUnique = names.indexOf(name) === names.lastIndexOf(name)
      return [isUnique ? name : resource.logicalId, resource.physicalId]
    }),
  )
}
