import type { DeployedResource } from './template/deploy.ts'

/** The construct's own name from `aws:cdk:path` (`Gaugeline/Tables/Connections/Resource` → `Connections`). */
function constructName(resource: DeployedResource): string {
  const cdkPath = resource.metadata?.['aws:cdk:path']
  if (typeof cdkPath !== 'string') return resource.logicalId
  const parts = cdkPath.split('/').filter((part) => part !== 'Resource' && part !== 'Default')
  return parts.at(-1) ?? resource.logicalId
}

/** Construct name → physical id; where two would have the same name both keep their logical ids. */
export function byLogicalName(
  resources: readonly DeployedResource[],
): Readonly<Record<string, string>> {
  const names = resources.map(constructName)
  return Object.fromEntries(
    resources.map((resource, index) => {
      const name = names[index] ?? resource.logicalId
      const isUnique = names.indexOf(name) === names.lastIndexOf(name)
      return [isUnique ? name : resource.logicalId, resource.physicalId]
    }),
  )
}
