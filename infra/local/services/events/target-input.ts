import type { Fields } from '../../platform/fields.ts'
import { isObject } from '../../platform/fields.ts'

/** Makes what a target gets out of an event. */
export type TargetInput = (event: Readonly<Record<string, unknown>>) => unknown

/**
 * `Input` (constant JSON), `InputPath`, `InputTransformer`, or the whole event. Paths are `$`, and dots, indexes (`$.detail.items[0]`); a path that leads
 * nowhere gives null in a transformer. Throws TypeError for other JSONPath. Source: EventBridge User Guide, "Transforming Amazon EventBridge target input".
 */
export function targetInput(target: Fields): TargetInput {
  const constant = target.optionalText('Input')
  if (constant !== undefined) return () => JSON.parse(constant) as unknown
  const path = target.optionalText('InputPath')
  if (path !== undefined) return readerOf(path)
  const transformer = target.nested('InputTransformer')
  if (!transformer) return (event) => event
  const paths = transformer.value('InputPathsMap')
  const readers = Object.entries(isObject(paths) ? paths : {}).map(
    ([name, of]) => [name, readerOf(String(of))] as const,
  )
  const template = transformer.text('InputTemplate')
  return (event) => {
    const values = new Map(readers.map(([name, read]) => [name, read(event)]))
    return fill(template, values)
  }
}

function readerOf(path: string): TargetInput {
  if (!/^\$(\.[A-Za-z0-9_-]+(\[\d+\])*)*$/.test(path)) {
    throw new TypeError(`The path ${path} is not emulated; use $.field.field[0]`)
  }
  const steps = path.match(/[A-Za-z0-9_-]+/g) ?? []
  return (event) =>
    steps.reduce<unknown>((value, step) => {
      if (Array.isArray(value)) return value[Number(step)] as unknown
      return isObject(value) ? value[step] : undefined
    }, event)
}

/** Inside quotes a value stands as text, outside as JSON. The result is JSON, or a string when the template is one line of text. */
function fill(template: string, values: ReadonlyMap<string, unknown>): unknown {
  const isQuoted = (at: number): boolean =>
    (template.slice(0, at).match(/(?<!\\)"/g)?.length ?? 0) % 2 === 1
  const filled = template.replace(/<([A-Za-z0-9_.-]+)>/g, (whole, name: string, at: number) => {
    if (!values.has(name)) return whole
    const value = values.get(name) ?? null
    const json = JSON.stringify(value)
    if (!isQuoted(at)) return json
    return typeof value === 'string' ? json.slice(1, -1) : json.replaceAll('"', '\\"')
  })
  return JSON.parse(filled) as unknown
}
