import { tokenize } from './lexer.ts'
import type { Token } from './lexer.ts'
import { SqlSyntaxError } from './syntax.ts'
import type { BinaryOperator, Expression, Query, SelectItem } from './syntax.ts'

const BINARY_LEVELS: readonly (readonly BinaryOperator[])[] = [
  ['OR'],
  ['AND'],
  ['=', '<>', '<', '<=', '>', '>=', 'IN'],
  ['+', '-'],
  ['*', '/', '%'],
]
const RESERVED = new Set('SELECT FROM WHERE AS AND OR NOT IN CASE WHEN THEN ELSE END'.split(' '))

export interface Statement extends Query {
  /** The topic filter of the FROM clause; undefined for a rule that only Basic Ingest reaches (IOT-32). */
  readonly topicFilter?: string
}

/** Reads `SELECT … [FROM 'filter'] [WHERE …]`. Throws {@link SqlSyntaxError}. */
export function parseStatement(source: string): Statement {
  const parser = new Parser(source)
  const statement = parser.statement()
  parser.expectEnd()
  return statement
}

/** Reads one expression, as in a substitution template `${…}`. Throws {@link SqlSyntaxError}. */
export function parseExpression(source: string): Expression {
  const parser = new Parser(source)
  const expression = parser.expression()
  parser.expectEnd()
  return expression
}

class Parser {
  readonly #source: string
  readonly #tokens: readonly Token[]
  #position = 0

  constructor(source: string) {
    this.#source = source
    this.#tokens = tokenize(source)
  }

  statement(): Statement {
    const head = this.#selectHead()
    let topicFilter: string | undefined
    if (this.#acceptWord('FROM'))
      topicFilter = this.#expectKind('string', "a topic filter in '…'").text
    const where = this.#where()
    return { ...head, ...(topicFilter === undefined ? {} : { topicFilter }), ...where }
  }

  expression(): Expression {
    return this.#binary(0)
  }

  expectEnd(): void {
    if (this.#peek().kind !== 'end') this.#fail('the end')
  }

  #selectHead(): { value?: Expression; items: readonly SelectItem[] } {
    this.#expectWord('SELECT')
    if (this.#acceptWord('VALUE')) return { value: this.expression(), items: [] }
    const items = [this.#item()]
    while (this.#acceptSymbol(',')) items.push(this.#item())
    return { items }
  }

  #where(): { where?: Expression } {
    return this.#acceptWord('WHERE') ? { where: this.expression() } : {}
  }

  #item(): SelectItem {
    if (this.#acceptSymbol('*')) return { name: '*' }
    const start = this.#peek().start
    const expression = this.expression()
    if (this.#acceptWord('AS')) return { expression, name: this.#alias() }
    return {
      expression,
      name: defaultName(expression, this.#source.slice(start, this.#previousEnd())),
    }
  }

  #alias(): string {
    const token = this.#next()
    if (token.kind !== 'word' && token.kind !== 'string') this.#fail('a name', token)
    return token.text
  }

  #binary(level: number): Expression {
    const operators = BINARY_LEVELS[level]
    if (!operators) return this.#unary()
    if (level === 2 && this.#acceptWord('NOT')) return { kind: 'not', value: this.#binary(2) }
    let left = this.#binary(level + 1)
    for (
      let operator = this.#acceptOperator(operators);
      operator;
      operator = this.#acceptOperator(operators)
    ) {
      left = { kind: 'binary', operator, left, right: this.#binary(level + 1) }
    }
    return left
  }

  #acceptOperator(operators: readonly BinaryOperator[]): BinaryOperator | undefined {
    const token = this.#peek()
    if (token.kind !== 'symbol' && token.kind !== 'word') return undefined
    const found = operators.find((operator) => operator === token.text.toUpperCase())
    if (found) this.#position++
    return found
  }

  #unary(): Expression {
    if (this.#acceptSymbol('-')) return { kind: 'negate', value: this.#unary() }
    if (this.#acceptWord('NOT')) return { kind: 'not', value: this.#unary() }
    return this.#postfix(this.#primary())
  }

  #postfix(start: Expression): Expression {
    let expression = start
    for (;;) {
      if (this.#acceptSymbol('.')) {
        if (this.#acceptSymbol('*')) continue
        expression = { kind: 'member', of: expression, name: this.#alias() }
      } else if (this.#acceptSymbol('[')) {
        expression = { kind: 'element', of: expression, index: this.expression() }
        this.#expectSymbol(']')
      } else return expression
    }
  }

  #primary(): Expression {
    const token = this.#next()
    if (token.kind === 'string') return { kind: 'literal', value: token.text }
    if (token.kind === 'number') {
      return { kind: 'literal', value: Number(token.text), isDecimal: /[.eE]/.test(token.text) }
    }
    if (token.kind === 'word') return this.#word(token)
    if (token.text === '(') return this.#group()
    if (token.text === '{') return this.#object()
    if (token.text === '[') return { kind: 'array', items: this.#list(']') }
    if (token.text === '*') return { kind: 'payload' }
    return this.#fail('an expression', token)
  }

  #word(token: Token): Expression {
    const upper = token.text.toUpperCase()
    if (upper === 'TRUE' || upper === 'FALSE') return { kind: 'literal', value: upper === 'TRUE' }
    if (upper === 'NULL') return { kind: 'literal', value: null }
    if (upper === 'CASE') return this.#case()
    if (RESERVED.has(upper)) this.#fail('an expression', token)
    if (!this.#acceptSymbol('(')) return { kind: 'name', name: token.text }
    if (upper === 'CAST') return this.#cast()
    if (upper === 'EXISTS') {
      const value = this.expression()
      this.#expectSymbol(')')
      return { kind: 'exists', value }
    }
    return { kind: 'call', name: token.text.toLowerCase(), args: this.#list(')') }
  }

  #group(): Expression {
    if (this.#peek().text.toUpperCase() === 'SELECT') {
      const query = this.#nestedQuery()
      this.#expectSymbol(')')
      return { kind: 'query', query }
    }
    const expression = this.expression()
    this.#expectSymbol(')')
    return expression
  }

  #nestedQuery(): Query {
    const head = this.#selectHead()
    this.#expectWord('FROM')
    return { ...head, from: this.expression(), ...this.#where() }
  }

  #list(close: string): readonly Expression[] {
    if (this.#acceptSymbol(close)) return []
    const items = [this.expression()]
    while (this.#acceptSymbol(',')) items.push(this.expression())
    this.#expectSymbol(close)
    return items
  }

  #object(): Expression {
    const members: (readonly [string, Expression])[] = []
    if (this.#acceptSymbol('}')) return { kind: 'object', members }
    do {
      const name = this.#alias()
      this.#expectSymbol(':')
      members.push([name, this.expression()])
    } while (this.#acceptSymbol(','))
    this.#expectSymbol('}')
    return { kind: 'object', members }
  }

  #case(): Expression {
    const subject = this.expression()
    const branches: { when: Expression; then: Expression }[] = []
    while (this.#acceptWord('WHEN')) {
      const when = this.expression()
      this.#expectWord('THEN')
      branches.push({ when, then: this.expression() })
    }
    const otherwise = this.#acceptWord('ELSE') ? { otherwise: this.expression() } : {}
    this.#expectWord('END')
    return { kind: 'case', subject, branches, ...otherwise }
  }

  #cast(): Expression {
    const value = this.expression()
    this.#expectWord('AS')
    const type = this.#expectKind('word', 'a type').text
    this.#expectSymbol(')')
    return { kind: 'cast', value, type: type.toLowerCase() }
  }

  #peek(): Token {
    const token = this.#tokens[this.#position] ?? this.#tokens.at(-1)
    if (!token) throw new SqlSyntaxError('the statement is empty', 0)
    return token
  }

  #next(): Token {
    const token = this.#peek()
    this.#position++
    return token
  }

  #previousEnd(): number {
    return this.#tokens[this.#position - 1]?.end ?? 0
  }

  #acceptWord(word: string): boolean {
    const token = this.#peek()
    const accepted = token.kind === 'word' && token.text.toUpperCase() === word
    if (accepted) this.#position++
    return accepted
  }

  #acceptSymbol(symbol: string): boolean {
    const token = this.#peek()
    const accepted = token.kind === 'symbol' && token.text === symbol
    if (accepted) this.#position++
    return accepted
  }

  #expectWord(word: string): void {
    if (!this.#acceptWord(word)) this.#fail(word)
  }

  #expectSymbol(symbol: string): void {
    if (!this.#acceptSymbol(symbol)) this.#fail(symbol)
  }

  #expectKind(kind: Token['kind'], what: string): Token {
    const token = this.#next()
    return token.kind === kind ? token : this.#fail(what, token)
  }

  #fail(expected: string, token = this.#peek()): never {
    throw new SqlSyntaxError(
      `expected ${expected}, found ${token.text} at position ${token.start + 1}`,
      token.start,
    )
  }
}

/** A property is named by its last part; anything else by its own text. */
function defaultName(expression: Expression, text: string): string {
  if (expression.kind === 'name' || expression.kind === 'member') return expression.name
  return text.trim()
}
