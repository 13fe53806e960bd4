import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** What a JSON value is, compared with the type that the protocol declares for it. */
export interface Comparison {
  /** Where it departs from the type, in words; empty when it does not. */
  readonly problems: readonly string[]
  /** Every member that it has, at every depth: `blocks[].metrics.*`. Members of a record are `*`, of a list `[]`. */
  readonly members: readonly string[]
}

export interface MessageTypes {
  /** Compares with the type of that `type`. Throws TypeError for one that the protocol does not have. */
  compare(message: { readonly type: string }): Comparison
  /** Each `type` that a server message may have. */
  readonly names: readonly string[]
  /** The name of every member of every server message, at every depth. */
  readonly memberNames: readonly string[]
}

const source = fileURLToPath(
  new URL('../../backend/src/protocol/server-messages.ts', import.meta.url),
)

/**
 * The types of `backend/src/protocol/server-messages.ts` themselves as the schema: no second list that could differ from them. Extra members,
 * missing ones, wrong literals and wrong kinds are problems; members that the type calls optional may be absent.
 */
export function readMessageTypes(): MessageTypes {
  const program = ts.createProgram([source], {
    strict: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  })
  const checker = program.getTypeChecker()
  const types = serverMessages(program, checker)
  const memberNames = new Set<string>()
  for (const type of types.values()) collectNames(checker, type, memberNames)
  return {
    names: [...types.keys()],
    memberNames: [...memberNames],
    compare(message) {
      const type = types.get(message.type)
      if (!type) throw new TypeError(`the protocol has no server message ${message.type}`)
      const problems: string[] = []
      const members = new Set<string>()
      compareWith({ checker, problems, members }, type, { value: message, path: '' })
      return { problems, members: [...members] }
    },
  }
}

/** Each member of the union `ServerMessage`, by its `type`. */
function serverMessages(
  program: ts.Program,
  checker: ts.TypeChecker,
): ReadonlyMap<string, ts.Type> {
  const file = program.getSourceFile(source)
  const module = file && checker.getSymbolAtLocation(file)
  const union = module && checker.getExportsOfModule(module).find(isNamed('ServerMessage'))
  if (!union) throw new TypeError(`${source} exports no ServerMessage`)
  return new Map(
    alternativesOf(checker.getDeclaredTypeOfSymbol(union)).map((type) => {
      const name = checker.getTypeOfSymbol(memberOf(type, 'type'))
      if (!name.isStringLiteral()) throw new TypeError('a server message has no literal type')
      return [name.value, type]
    }),
  )
}

const isNamed = (name: string) => (symbol: ts.Symbol) => symbol.name === name
const alternativesOf = (type: ts.Type): readonly ts.Type[] => (type.isUnion() ? type.types : [type])

function memberOf(type: ts.Type, name: string): ts.Symbol {
  const member = type.getProperty(name)
  if (!member) throw new TypeError(`a type has no member ${name}`)
  return member
}

interface Findings {
  readonly checker: ts.TypeChecker
  readonly problems: string[]
  readonly members: Set<string>
}
interface Place {
  readonly value: unknown
  readonly path: string
}

/** Of several alternatives the one that fits best counts. */
function compareWith(findings: Findings, type: ts.Type, place: Place): void {
  const tries = alternativesOf(type).map((alternative) => {
    const one = { ...findings, problems: [] as string[], members: new Set<string>() }
    compareOne(one, alternative, place)
    return one
  })
  const best = tries.reduce((a, b) => (b.problems.length < a.problems.length ? b : a))
  findings.problems.push(...best.problems)
  for (const member of best.members) findings.members.add(member)
}

function compareOne(findings: Findings, type: ts.Type, { value, path }: Place): void {
  const { checker, problems } = findings
  if (checker.isArrayType(type)) {
    const [element] = checker.getTypeArguments(type as ts.TypeReference)
    if (!Array.isArray(value) || !element) problems.push(`${path} is no list`)
    else for (const one of value) compareWith(findings, element, { value: one, path: `${path}[]` })
  } else if (type.flags & ts.TypeFlags.Object) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      problems.push(`${path} is no object`)
    else compareMembers(findings, type, { value, path })
  } else if (!isOfPrimitive(checker, type, value)) {
    problems.push(`${path} is ${JSON.stringify(value)}, not ${checker.typeToString(type)}`)
  }
}

function compareMembers(
  findings: Findings,
  type: ts.Type,
  { value, path }: { readonly value: object; readonly path: string },
): void {
  const { checker, problems, members } = findings
  const under = (name: string): string => (path === '' ? name : `${path}.${name}`)
  const record = checker.getIndexTypeOfType(type, ts.IndexKind.String)
  for (const [name, member] of Object.entries(value)) {
    const known = type.getProperty(name)
    const memberType = known ? checker.getTypeOfSymbol(known) : record
    const memberPath = under(known ? name : '*')
    members.add(memberPath)
    if (memberType) compareWith(findings, memberType, { value: member, path: memberPath })
    else problems.push(`${under(name)} is no member of the type`)
  }
  for (const known of type.getProperties()) {
    const isOptional = (known.flags & ts.SymbolFlags.Optional) !== 0
    if (!isOptional && !(known.name in value)) problems.push(`${under(known.name)} is missing`)
  }
}

function isOfPrimitive(checker: ts.TypeChecker, type: ts.Type, value: unknown): boolean {
  if (type.isStringLiteral() || type.isNumberLiteral()) return value === type.value
  if (type.flags & ts.TypeFlags.BooleanLiteral) return String(value) === checker.typeToString(type)
  if (type.flags & ts.TypeFlags.Null) return value === null
  if (type.flags & ts.TypeFlags.String) return typeof value === 'string'
  return (type.flags & ts.TypeFlags.Number) !== 0 && typeof value === 'number'
}

function collectNames(checker: ts.TypeChecker, type: ts.Type, names: Set<string>): void {
  for (const one of alternativesOf(type)) {
    const [element] = checker.isArrayType(one)
      ? checker.getTypeArguments(one as ts.TypeReference)
      : [checker.getIndexTypeOfType(one, ts.IndexKind.String)]
    if (element) collectNames(checker, element, names)
    else if (one.flags & ts.TypeFlags.Object) {
      for (const member of one.getProperties()) {
        names.add(member.name)
        collectNames(checker, checker.getTypeOfSymbol(member), names)
      }
    }
  }
}
