import { AwsError } from '../../platform/errors.ts'
import type { StateValue } from './verdict.ts'

/** The rule of a composite alarm, read once (CW-39). */
export interface CompositeRule {
  /** Names of the alarms that the rule looks at. */
  readonly children: readonly string[]
  /** `stateOf`: undefined for an alarm that does not exist; none of the functions holds for it. */
  holds(stateOf: (alarmName: string) => StateValue | undefined): boolean
}

type Node = (stateOf: (alarmName: string) => StateValue | undefined) => boolean

const STATES: readonly string[] = ['ALARM', 'OK', 'INSUFFICIENT_DATA']

/**
 * Reads `ALARM("a") AND NOT (OK(b) OR INSUFFICIENT_DATA("arn…"))`; `TRUE` and `FALSE` are constants. Throws AwsError `ValidationError`.
 */
export function readCompositeRule(source: string): CompositeRule {
  const tokens = source.match(/"[^"]*"|[()]|[^\s()"]+/g) ?? []
  const children = new Set<string>()
  let position = 0
  const peekWord = (): string => (tokens[position] ?? '').toUpperCase()
  const fail = (expected: string): never => {
    throw new AwsError(
      'ValidationError',
      `The AlarmRule is refused: expected ${expected}, found ${tokens[position] ?? 'the end'} in ${source}.`,
    )
  }
  const expect = (token: string): void => {
    if (tokens[position++] !== token) {
      position--
      fail(token)
    }
  }

  function either(): Node {
    const nodes = [both()]
    while (peekWord() === 'OR') {
      position++
      nodes.push(both())
    }
    return (stateOf) => nodes.some((node) => node(stateOf))
  }

  function both(): Node {
    const nodes = [single()]
    while (peekWord() === 'AND') {
      position++
      nodes.push(single())
    }
    return (stateOf) => nodes.every((node) => node(stateOf))
  }

  function single(): Node {
    const word = peekWord()
    if (word === 'NOT') {
      position++
      const inner = single()
      return (stateOf) => !inner(stateOf)
    }
    if (word === '(') {
      position++
      const inner = either()
      expect(')')
      return inner
    }
    if (word === 'TRUE' || word === 'FALSE') {
      position++
      return () => word === 'TRUE'
    }
    return STATES.includes(word)
      ? stateFunction(word)
      : fail('ALARM(…), OK(…), INSUFFICIENT_DATA(…), NOT, TRUE, FALSE or (')
  }

  function stateFunction(state: string): Node {
    position++
    expect('(')
    const token = tokens[position++] ?? fail('an alarm')
    const name = alarmNameOf(token.replaceAll('"', ''))
    expect(')')
    children.add(name)
    return (stateOf) => stateOf(name) === state
  }

  const node = either()
  if (position < tokens.length) fail('the end')
  return { children: [...children], holds: node }
}

/** The name in an alarm's ARN, or the name itself. */
export function alarmNameOf(nameOrArn: string): string {
  return /^arn:[^:]*:cloudwatch:[^:]*:[^:]*:alarm:(.+)$/.exec(nameOrArn)?.[1] ?? nameOrArn
}
