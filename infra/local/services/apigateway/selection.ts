/** Gives the route key that a message selects; '' when the expression finds nothing. */
export type SelectRoute = (body: string) => string

type Part = { readonly text: string } | { readonly path: readonly string[] }

/**
 * Compiles a route selection expression: `$request.body.action` and `${request.body.action}` are the same (APIGW-1), variables and text mix
 * (APIGW-2), `\$` is a dollar sign (APIGW-4). It is evaluated once, what it finds is not evaluated again (APIGW-6).
 * Throws TypeError for variables other than `request.body`.
 */
export function compileSelection(expression: string): SelectRoute {
  const parts = parse(expression)
  const only = parts.length === 1 ? parts[0] : undefined
  if (only && 'path' in only) return (body) => stringify(find(parseJson(body), only.path))
  return (body) => {
    const root = parseJson(body)
    return parts
      .map((part) => ('text' in part ? part.text : stringify(find(root, part.path))))
      .join('')
  }
}

function parse(expression: string): Part[] {
  const bare = /^\$(request\.[^{}]*)$/.exec(expression)?.[1]
  if (bare !== undefined) return [{ path: parsePath(bare) }]
  const parts: Part[] = []
  const token = /\$\{([^}]*)\}|\\(.)|([^\\$]+|\$)/g
  for (const [, variable, escaped, text] of expression.matchAll(token))
    parts.push(
      variable === undefined ? { text: escaped ?? text ?? '' } : { path: parsePath(variable) },
    )
  return parts
}

/** `request.body.a['b'][0]` → `a`, `b`, `0`. */
function parsePath(variable: string): string[] {
  const rest = /^request\.body(.*)$/.exec(variable)?.[1]
  if (rest === undefined)
    throw new TypeError(`A route selection expression reads request.body, not '${variable}'`)
  return [...rest.matchAll(/\.([^.[\]]+)|\[(?:'([^']*)'|"([^"]*)"|(\d+))\]/g)].map(
    ([, name, single, double, index]) => name ?? single ?? double ?? index ?? '',
  )
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined // APIGW-9
  }
}

/** APIGW-3: what is absent is the empty string. */
function find(root: unknown, path: readonly string[]): unknown {
  let value = root
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

/** APIGW-5: an array of two items becomes `[item1, item2]`. */
function stringify(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return `[${value.map(stringify).join(', ')}]`
  return JSON.stringify(value)
}
