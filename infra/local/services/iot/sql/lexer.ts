import { SqlSyntaxError } from './syntax.ts'

export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'symbol' | 'end'
  readonly text: string
  /** Where the token starts and ends in the source. */
  readonly start: number
  readonly end: number
}

const PATTERN =
  /\s+|--[^\n]*|(?<word>[A-Za-z_][A-Za-z0-9_]*)|(?<number>(?:\d+\.\d+|\.\d+|\d+)(?:[eE][+-]?\d+)?)|(?<string>'(?:[^']|'')*'|"(?:[^"\\]|\\.)*")|(?<symbol><>|!=|<=|>=|[-+*/%=<>(),.[\]{}:])/y

/** The tokens of a rule's SQL, the last one of kind `end`. Throws {@link SqlSyntaxError} at a character that starts none. */
export function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = []
  const pattern = new RegExp(PATTERN)
  let offset = 0
  while (offset < source.length) {
    pattern.lastIndex = offset
    const match = pattern.exec(source)
    if (!match) throw new SqlSyntaxError(`unexpected ${source.charAt(offset)}`, offset)
    const token = tokenOf(match, offset)
    if (token) tokens.push(token)
    offset = pattern.lastIndex
  }
  return [...tokens, { kind: 'end', text: 'the end', start: offset, end: offset }]
}

function tokenOf(match: RegExpExecArray, start: number): Token | undefined {
  const { word, number, string, symbol } = match.groups ?? {}
  const end = start + match[0].length
  if (word !== undefined) return { kind: 'word', text: word, start, end }
  if (number !== undefined) return { kind: 'number', text: number, start, end }
  if (symbol !== undefined)
    return { kind: 'symbol', text: symbol === '!=' ? '<>' : symbol, start, end }
  if (string === undefined) return undefined
  return { kind: 'string', text: unquote(string), start, end }
}

function unquote(text: string): string {
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'")
  return text.slice(1, -1).replaceAll(/\\(.)/g, '$1')
}
