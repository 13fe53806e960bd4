export type BinaryOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '='
  | '<>'
  | '<'
  | '<='
  | '>'
  | '>='
  | 'AND'
  | 'OR'
  | 'IN'

export type Expression =
  | {
      readonly kind: 'literal'
      readonly value: string | number | boolean | null
      readonly isDecimal?: boolean
    }
  | { readonly kind: 'payload' }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'member'; readonly of: Expression; readonly name: string }
  | { readonly kind: 'element'; readonly of: Expression; readonly index: Expression }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: 'cast'; readonly value: Expression; readonly type: string }
  | { readonly kind: 'not' | 'negate'; readonly value: Expression }
  | { readonly kind: 'exists'; readonly value: Expression }
  | {
      readonly kind: 'binary'
      readonly operator: BinaryOperator
      readonly left: Expression
      readonly right: Expression
    }
  | {
      readonly kind: 'case'
      readonly subject: Expression
      readonly branches: readonly { readonly when: Expression; readonly then: Expression }[]
      readonly otherwise?: Expression
    }
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, Expression])[] }
  | { readonly kind: 'array'; readonly items: readonly Expression[] }
  | { readonly kind: 'query'; readonly query: Query }

export interface SelectItem {
  /** Undefined: `*`. */
  readonly expression?: Expression
  readonly name: string
}

export interface Query {
  /** `SELECT VALUE expression`. */
  readonly value?: Expression
  readonly items: readonly SelectItem[]
  readonly from?: Expression
  readonly where?: Expression
}

/** A rule's SQL that cannot be read: `message` says where and what was expected. */
export class SqlSyntaxError extends Error {
  readonly offset: number

  constructor(message: string, offset: number) {
    super(message)
    this.name = 'SqlSyntaxError'
    this.offset = offset
  }
}
