import type { SystemOptions } from '../../infra/local/system.ts'

export type Template = Parameters<NonNullable<SystemOptions['edit']>>[0]

/** A template without the resources that `isGone` names. */
export const without =
  (isGone: (type: string, properties: Record<string, unknown>) => boolean) =>
  (template: Template): Template => ({
    ...template,
    Resources: Object.fromEntries(
      Object.entries(template.Resources).filter(
        ([, resource]) => !isGone(resource.Type, resource.Properties ?? {}),
      ),
    ),
  })

/** Takes away, with a resource, whatever cannot be without it: its route response, its permission, the alarms that measure it. */
export function removeDependants(edit: (template: Template) => Template) {
  return (template: Template): Template => {
    let current = edit(template)
    for (;;) {
      const names = new Set(Object.keys(current.Resources))
      const isDangling = (value: unknown): boolean =>
        JSON.stringify(value)
          .match(/"(?:Ref|Fn::GetAtt)":\[?"([A-Za-z0-9]+)"/g)
          ?.some((reference) => {
            const name = /"([A-Za-z0-9]+)"$/.exec(reference)?.[1] ?? ''
            return name in template.Resources && !names.has(name)
          }) ?? false
      const kept = Object.entries(current.Resources).filter(
        ([, { Properties }]) => !isDangling(Properties ?? {}),
      )
      if (kept.length === names.size) {
        return {
          ...current,
          Resources: Object.fromEntries(
            kept.map(([name, resource]) => [
              name,
              {
                ...resource,
                DependsOn: [resource.DependsOn ?? []].flat().filter((other) => names.has(other)),
              },
            ]),
          ),
        }
      }
      current = { ...current, Resources: Object.fromEntries(kept) }
    }
  }
}
