export type MathNode =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'id'; readonly name: string }
  | { readonly kind: 'list'; readonly items: readonly MathNode[] }
  | { readonly kind: 'negate'; readonly value: MathNode }
  | {
      readonly kind: 'binary'
      readonly operator: string
      readonly left: MathNode
      readonly right: MathNode
    }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly MathNode[] }

/** A metric math expression that cannot be read. */
export class MathSyntaxError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'MathSyntaxError'
  }
}

const LEVELS: readonly (readonly string[])[] = [
  ['OR', '||'],
  ['AND', '&&'],
  ['==', '!=', '<=', '>=', '<', '>'],
  ['+', '-'],
  ['*', '/'],
]
const TOKEN =
  /\s+|(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|"([^"]*)"|'([^']*)'|([A-Za-z_][A-Za-z0-9_]*)|(\|\||&&|==|!=|<=|>=|[-+*/^<>(),[\]])/y

interface Token {
  readonly kind: 'number' | 'text' | 'word' | 'symbol' | 'end'
  readonly text: string
}

/** Reads a CloudWatch metric math expression. Throws {@link MathSyntaxError}. */
export function parseMath(source: string): MathNode {
  const tokens = tokenize(source)
  let position = 0
  const peek = (): Token => tokens[position] ?? { kind: 'end', text: 'the end' }
  const next = (): Token => {
    const token = peek()
    position++
    return token
  }
  const accept = (text: string): boolean => {
    const token = peek()
    const accepted = token.kind === 'symbol' && token.text === text
    if (accepted) position++
    return accepted
  }
  const expect = (text: string): void => {
    if (!accept(text))
      throw new MathSyntaxError(`expected ${text}, found ${peek().text} in ${source}`)
  }

  function binary(level: number): MathNode {
    const operators = LEVELS[level]
    if (!operators) return power()
    let left = binary(level + 1)
    while (peek().kind !== 'text' && operators.includes(peek().text.toUpperCase())) {
      const operator = normal(next().text)
      left = { kind: 'binary', operator, left, right: binary(level + 1) }
    }
    return left
  }

  function power(): MathNode {
    if (accept('-')) return { kind: 'negate', value: power() }
    const base = primary()
    return accept('^') ? { kind: 'binary', operator: '^', left: base, right: power() } : base
  }

  function primary(): MathNode {
    const token = next()
    if (token.kind === 'number') return { kind: 'number', value: Number(token.text) }
    if (token.kind === 'text') return { kind: 'text', value: token.text }
    if (token.kind === 'word') {
      if (!accept('(')) return { kind: 'id', name: token.text }
      return { kind: 'call', name: token.text.toUpperCase(), args: list(')') }
    }
    if (token.text === '[') return { kind: 'list', items: list(']') }
    if (token.text !== '(') throw new MathSyntaxError(`unexpected ${token.text} in ${source}`)
    const inner = binary(0)
    expect(')')
    return inner
  }

  function list(close: string): readonly MathNode[] {
    if (accept(close)) return []
    const items = [binary(0)]
    while (accept(',')) items.push(binary(0))
    expect(close)
    return items
  }

  const node = binary(0)
  if (peek().kind !== 'end') throw new MathSyntaxError(`unexpected ${peek().text} in ${source}`)
  return node
}

/** The ids of other elements that an expression uses; upper-case words such as REPEAT are none. */
export function idsIn(node: MathNode): readonly string[] {
  return nodesIn(node).flatMap((inner) =>
    inner.kind === 'id' && /^[a-z]/.test(inner.name) ? [inner.name] : [],
  )
}

/** The names of the functions that an expression calls. */
export function functionsIn(node: MathNode): readonly string[] {
  return nodesIn(node).flatMap((inner) => (inner.kind === 'call' ? [inner.name] : []))
}

function nodesIn(node: MathNode): readonly MathNode[] {
  return [node, ...childrenOf(node).flatMap(nodesIn)]
}

function childrenOf(node: MathNode): readonly MathNode[] {
  switch (node.kind) {
    case 'number':
    case 'text':
    case 'id':
      return []
    case 'list':
      return node.items
    case 'negate':
      return [node.value]
    case 'binary':
      return [node.left, node.right]
    case 'call':
      return node.args
  }
}

function normal(operator: string): string {
  const upper = operator.toUpperCase()
  return upper === '||' ? 'OR' : upper === '&&' ? 'AND' : upper
}

function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = []
  const pattern = new RegExp(TOKEN)
  while (pattern.lastIndex < source.length) {
    const offset = pattern.lastIndex
    const match = pattern.exec(source)
    if (!match) throw new MathSyntaxError(`unexpected ${source.charAt(offset)} in ${source}`)
    const [, number, double, single, word, symbol] = match
    if (number !== undefined) tokens.push({ kind: 'number', text: number })
    else if (double !== undefined || single !== undefined)
      tokens.push({ kind: 'text', text: double ?? single ?? '' })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word })
    else if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol })
  }
  return tokens
}
