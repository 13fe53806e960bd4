/** What identity sources may name. Header names in lower case. */
export interface IdentityInput {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly query: Readonly<Record<string, string>>
  readonly stageVariables: Readonly<Record<string, string>>
  readonly context: Readonly<Record<string, unknown>>
}

/** APIGW-58: the four kinds of a WebSocket API. */
const KINDS: Readonly<
  Record<string, ((input: IdentityInput, name: string) => unknown) | undefined>
> = {
  'route.request.header': (input, name) => input.headers[name.toLowerCase()], // APIGW-60
  'route.request.querystring': (input, name) => input.query[name],
  stageVariables: (input, name) => input.stageVariables[name],
  context: (input, name) => input.context[name],
}

/** APIGW-58: an array, or one string with commas. */
export function parseIdentitySources(value: unknown): string[] {
  const list = Array.isArray(value) ? value : value === undefined ? [] : [value]
  return list.flatMap((item) => String(item).split(',')).map((source) => source.trim())
}

/** Whether a source is written as WebSocket APIs write it (`route.request.header.Auth`). */
export function isIdentitySource(source: string): boolean {
  return split(source) !== undefined
}

/** APIGW-59: whether every source has a value; if not, the answer is 401 and the authorizer is not called. */
export function hasIdentity(sources: readonly string[], input: IdentityInput): boolean {
  return sources.every((source) => {
    const parts = split(source)
    const value = parts?.read(input, parts.name)
    return value !== undefined && value !== null && value !== ''
  })
}

function split(source: string) {
  const at = source.lastIndexOf('.')
  const read = KINDS[source.slice(0, at)]
  return at > 0 && read && at + 1 < source.length ? { read, name: source.slice(at + 1) } : undefined
}
