/**
 * When a reading is one that its device sent before: the one rule, applied where readings enter the stream's history. Everybody behind that
 * (history, resume, dashboard) tells readings apart by their place in the stream and drops nothing for its counter.
 */

/** What of a reading the rule looks at. */
export interface CountedReading {
  readonly boot: string | null
  readonly n: number | null
  readonly metrics: ReadonlyMap<string, number | null>
}

/** The counters of one boot around the largest that came last. */
interface Run {
  readonly boot: string | null
  /** The largest counter, and which of the 64 counters up to it have been seen (bit 0 = the largest), in hex. */
  readonly counter: number | null
  readonly seen: string
  /** One of 64 letters for the values of each of the 16 counters up to the largest, the largest first; a dot where none was seen. */
  readonly marks?: string
}

/** What is remembered of a device's counters. Part of its head, so small: it is written with every batch. */
export interface CounterWindow extends Run {
  /** Where the device counted before it went back, or to another boot; `since`: counted readings that came after. */
  readonly past?: Run & { readonly since: number }
}

const WINDOW = 64
const WINDOW_MASK = (1n << BigInt(WINDOW)) - 1n
const MARKS = 16
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const NO_MARK = '.'

/** Before the first counted reading. */
export const noCounters: CounterWindow = { boot: null, counter: null, seen: '0' }

/**
 * Whether a reading came before: told by boot and counter together, within the last 64 counters; one without `boot` never did (PAYLOAD-31), and
 * one further back is new: a counter that wrapped or began again. `conflict`: with other values (PAYLOAD-32), seen within the last 16 counters
 * and 63 times of 64. More would cost every batch its writes, and a device that gives two readings one counter does not do so once.
 */
export function recall(
  window: CounterWindow,
  reading: CountedReading,
): 'new' | 'duplicate' | 'conflict' {
  const known = recallIn(window, reading, 0)
  return known === 'new' && window.past ? recallIn(window.past, reading, window.past.since) : known
}

/** The window after a reading that was new. */
export function countersAfter(window: CounterWindow, reading: CountedReading): CounterWindow {
  const { boot, n } = reading
  // What cannot be a repetition says nothing of what can.
  if (boot === null || n === null) return window
  const { past, ...run } = window
  if (isNear(run, boot, n)) return { ...advanced(run, reading, n), ...aged(past) }
  if (past && isNear(past, boot, n)) {
    const { since: _, ...back } = past
    return { ...advanced(back, reading, n), past: { ...run, since: 1 } }
  }
  if (run.boot === boot && run.counter !== null && n > run.counter) {
    return { ...advanced(run, reading, n), ...aged(past) }
  }
  const begun = { boot, counter: n, seen: '1', marks: markOf(reading) }
  return run.counter === null ? begun : { ...begun, past: { ...run, since: 1 } }
}

function recallIn(
  run: Run,
  reading: CountedReading,
  since: number,
): 'new' | 'duplicate' | 'conflict' {
  const { boot, n } = reading
  if (boot === null || n === null || run.boot !== boot || run.counter === null) return 'new'
  const age = run.counter - n
  if (age < 0 || age + since >= WINDOW) return 'new'
  if (((BigInt(`0x${run.seen}`) >> BigInt(age)) & 1n) === 0n) return 'new'
  const mark = run.marks?.[age] ?? NO_MARK
  return mark === NO_MARK || mark === markOf(reading) ? 'duplicate' : 'conflict'
}

function isNear({ boot, counter }: Run, otherBoot: string, n: number): boolean {
  return boot === otherBoot && counter !== null && Math.abs(n - counter) < WINDOW
}

/** The other run, a reading later; forgotten when all of it lies further back than the window. */
function aged(past: CounterWindow['past']): Pick<CounterWindow, 'past'> {
  return past && past.since + 1 < WINDOW ? { past: { ...past, since: past.since + 1 } } : {}
}

function advanced(run: Run, reading: CountedReading, n: number): Run {
  const mark = markOf(reading)
  const { seen, marks = '', counter } = run
  const step = n - (counter ?? n)
  if (step > 0) {
    return { ...run, counter: n, seen: shifted(seen, step), marks: pushed(marks, step, mark) }
  }
  return { ...run, seen: marked(seen, -step), marks: put(marks, -step, mark) }
}

function shifted(seen: string, step: number): string {
  const before = step >= WINDOW ? 0n : (BigInt(`0x${seen}`) << BigInt(step)) & WINDOW_MASK
  return (before | 1n).toString(16)
}

function marked(seen: string, age: number): string {
  return (BigInt(`0x${seen}`) | (1n << BigInt(age))).toString(16)
}

function pushed(marks: string, step: number, mark: string): string {
  const unseen = NO_MARK.repeat(Math.min(step - 1, MARKS))
  return `${mark}${unseen}${marks}`.slice(0, MARKS)
}

function put(marks: string, age: number, mark: string): string {
  if (age >= MARKS) return marks
  const padded = marks.padEnd(age, NO_MARK)
  return padded.slice(0, age) + mark + padded.slice(age + 1)
}

/** A letter that says little about the values, but nearly always which of two are not the same. FNV-1a over names and values. */
function markOf({ metrics }: CountedReading): string {
  let hash = 0
  // Summed up, so that the order in which a device names its metrics does not matter.
  for (const [name, value] of metrics) hash = (hash + hashOf(`${name}=${value}`)) | 0
  return LETTERS[(hash ^ (hash >>> 12) ^ (hash >>> 22)) & 63] ?? NO_MARK
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}
