import { fields, type Fields } from './fields.ts'
import { checkSeam } from './seams.ts'
import type { Clock, Fault, Faults } from './types.ts'

/** When a seam fails on purpose. Without `probability`, `count` and `every` it fails each time. */
export interface FaultRule {
  /** The seam's dotted name; a trailing `*` takes the rest: `dynamodb.*`. */
  readonly seam: string
  /** What the call is about (table, function, connection id …); absent = any. */
  readonly target?: string
  /** 0–1, drawn from the seed, the rule's place in the list, the seam and the target. */
  readonly probability?: number
  /** Only the first so many matching calls. */
  readonly count?: number
  /** Each n-th matching call. */
  readonly every?: number
  readonly fault: Fault
  /** Epoch ms of the clock; no fault from then on. */
  readonly untilMs?: number
}

/** A rule and what it has done. */
export interface FaultReport {
  readonly rule: FaultRule
  /** Matching calls so far. */
  readonly asked: number
  readonly injected: number
}

export interface FaultControl extends Faults {
  /** Throws TypeError for a seam that there is not, or a kind that it cannot do. */
  add(rule: FaultRule): void
  /** Removes every rule; with a seed the draws start again from it. */
  clear(seed?: number): void
  report(): readonly FaultReport[]
}

/** mulberry32: small, seeded, good enough to choose calls. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Counted {
  readonly rule: FaultRule
  /** The next draw for a call at this seam about this target. */
  readonly draw: (seam: string, target: string | undefined) => number
  asked: number
  injected: number
}

/**
 * A generator for each seam and target, so that traffic at one place does not change what is drawn at another: calls about one table
 * come in the same order each time, calls about two tables do not.
 */
function draws(seed: number): Counted['draw'] {
  const generators = new Map<string, () => number>()
  return (seam, target) => {
    const key = `${seam} ${target ?? ''}`
    let next = generators.get(key)
    if (!next) {
      next = seeded(seed ^ hash(key))
      generators.set(key, next)
    }
    return next()
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let state = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193)
  }
  return state >>> 0
}

function matches(rule: FaultRule, seam: string, target: string | undefined): boolean {
  const isSeam = rule.seam.endsWith('*')
    ? seam.startsWith(rule.seam.slice(0, -1))
    : seam === rule.seam
  return isSeam && (rule.target === undefined || rule.target === target)
}

function strikes(entry: Counted, seam: string, target: string | undefined): boolean {
  const { probability, count, every } = entry.rule
  if (count !== undefined && entry.injected >= count) return false
  if (every !== undefined && entry.asked % every !== 0) return false
  return probability === undefined || entry.draw(seam, target) < probability
}

/**
 * Faults on purpose, deterministic by seed and the order of the calls at each seam about each target. The first rule that matches and strikes decides.
 * Without rules a seam costs one comparison.
 */
export function createFaults(options: {
  readonly clock: Clock
  readonly seed?: number
}): FaultControl {
  let seed = options.seed ?? 1
  let entries: readonly Counted[] = []
  return {
    at(seam, target) {
      if (entries.length === 0) return undefined
      for (const entry of entries) {
        const { rule } = entry
        if (!matches(rule, seam, target)) continue
        if (rule.untilMs !== undefined && options.clock.now() >= rule.untilMs) continue
        entry.asked++
        if (!strikes(entry, seam, target)) continue
        entry.injected++
        return rule.fault
      }
      return undefined
    },
    add(rule) {
      checkSeam(rule.seam, rule.fault.kind)
      entries = [...entries, { rule, draw: draws(seed + entries.length), asked: 0, injected: 0 }]
    },
    clear(nextSeed) {
      entries = []
      seed = nextSeed ?? seed
    },
    report: () => entries.map(({ rule, asked, injected }) => ({ rule, asked, injected })),
  }
}

const invalid = (message: string): TypeError => new TypeError(`fault rule: ${message}`)

function readFault(source: Fields): Fault {
  const kind = source.text('kind')
  const status = source.optionalInteger('status')
  const code = source.optionalText('code')
  const message = source.optionalText('message')
  switch (kind) {
    case 'throttle':
    case 'drop':
      return { kind }
    case 'delay':
    case 'kill':
      return { kind, ms: natural(source, 'ms') }
    case 'duplicate':
      return { kind, times: natural(source, 'times') }
    case 'error':
      return {
        kind,
        ...(status !== undefined && { status }),
        ...(code !== undefined && { code }),
        ...(message !== undefined && { message }),
      }
    default:
      throw invalid(`kind ${kind} is not one of throttle, error, delay, drop, duplicate, kill`)
  }
}

function natural(source: Fields, name: string): number {
  const value = source.integer(name)
  if (value < 0) throw invalid(`${name} must be 0 or more`)
  return value
}

function atLeastOne(source: Fields, name: string): number | undefined {
  const value = source.optionalInteger(name)
  if (value !== undefined && value < 1) throw invalid(`${name} must be 1 or more`)
  return value
}

const ruleKeys = new Set(['seam', 'target', 'probability', 'count', 'every', 'fault', 'untilMs'])

/** Reads a rule from JSON. Throws TypeError naming the field, or what its seam can do. */
export function readFaultRule(value: unknown): FaultRule {
  const source = fields(value, invalid)
  const unknown = source.names().filter((name) => !ruleKeys.has(name))
  if (unknown.length > 0) throw invalid(`unknown fields: ${unknown.join(', ')}`)
  const fault = source.nested('fault')
  if (!fault) throw invalid('fault is missing')
  const probability = source.value('probability')
  if (
    probability !== undefined &&
    !(typeof probability === 'number' && probability >= 0 && probability <= 1)
  ) {
    throw invalid('probability must be a number from 0 to 1')
  }
  const target = source.optionalText('target')
  const count = atLeastOne(source, 'count')
  const every = atLeastOne(source, 'every')
  const untilMs = source.optionalInteger('untilMs')
  const rule = { seam: source.text('seam'), fault: readFault(fault) }
  checkSeam(rule.seam, rule.fault.kind)
  return {
    ...rule,
    ...(target !== undefined && { target }),
    ...(probability !== undefined && { probability }),
    ...(count !== undefined && { count }),
    ...(every !== undefined && { every }),
    ...(untilMs !== undefined && { untilMs }),
  }
}
