import type { BaseIssue } from 'valibot'
import { nearest } from './nearest.ts'
import type { Path, Places } from './places.ts'
import {
  faultKeys,
  fleetSchema,
  generatorSchema,
  scenarioSchema,
  stageSchema,
  thresholdSchema,
  verifySchema,
} from './schema.ts'

/** What the schema found wrong, as one sentence with file, line, column, rule and way out. */
export function issueText(issues: readonly BaseIssue<unknown>[], places: Places): string {
  const flat = issues.flatMap(innermost)
  // A misspelt key is also a missing one: the unknown key is what helps.
  const issue = flat.find(({ expected }) => expected === 'never') ?? flat[0]
  if (!issue) return `${places.at([])}: not a scenario`
  const name = issue.path.join('.') || 'scenario'
  if (issue.expected === 'never') {
    const known = knownKeys(issue.path.slice(0, -1), issue.parent)
    return `${places.ofKey(issue.path)}: ${name}: unknown key; ${wayOut(String(issue.path.at(-1)), known)}`
  }
  return `${places.at(issue.path)}: ${name}: ${issue.message}`
}

interface Flat {
  readonly expected: string | null
  readonly message: string
  readonly path: Path
  /** The object in which the key stands. */
  readonly parent: unknown
}

/** In a union, what is wrong inside the object or list that was meant says more than that nothing fits. */
function innermost(issue: BaseIssue<unknown>): Flat[] {
  const path = keysOf(issue)
  const inside = (issue.issues ?? []).flatMap(innermost).filter((one) => one.path.length > 0)
  if (inside.length > 0) return inside.map((one) => ({ ...one, path: [...path, ...one.path] }))
  const message = issue.message.startsWith('Invalid key') ? 'is missing' : issue.message
  return [{ expected: issue.expected, message, path, parent: issue.path?.at(-1)?.input }]
}

function keysOf(issue: BaseIssue<unknown>): Path {
  return (issue.path ?? []).map((item) => item.key as string | number)
}

/** `did you mean devices?` when a known word is near, otherwise all of them. */
export function wayOut(word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  return near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`
}

function knownKeys(path: Path, parent: unknown): readonly string[] {
  const [top, , third] = path
  if (path.length === 0) return Object.keys(scenarioSchema.entries)
  if (top === 'fleets')
    return third === 'demand' ? ['idleInterval'] : Object.keys(fleetSchema.entries)
  if (top === 'faults') return faultKeys[(parent as { kind: string }).kind] ?? []
  if (top === 'stages')
    return third === 'devices' ? ['from', 'to'] : Object.keys(stageSchema.entries)
  if (top === 'thresholds') return Object.keys(thresholdSchema.entries)
  return Object.keys((top === 'generator' ? generatorSchema : verifySchema).entries)
}
