/** When a rule is due: every so many milliseconds, or in the minutes that a cron expression names (UTC). */
export type Schedule =
  | { readonly kind: 'rate'; readonly intervalMs: number }
  | { readonly kind: 'cron'; isDue(minuteMs: number): boolean }

const UNIT_MS: Readonly<Record<string, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
}
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

/**
 * Reads `rate(5 minutes)` or `cron(0 12 ? * MON-FRI *)`. Throws TypeError naming the part that is wrong. Source: EventBridge User Guide, "Creating a rule
 * that runs on a schedule". Of cron, `L`, `W` and `#` are not emulated.
 */
export function parseSchedule(expression: string): Schedule {
  const rate = /^rate\((\d+) (minute|hour|day)(s?)\)$/.exec(expression)
  if (rate)
    return parseRate(expression, Number(rate[1]), { unit: rate[2] ?? '', plural: rate[3] ?? '' })
  const cron = /^cron\((.+)\)$/.exec(expression)
  if (cron) return parseCron(expression, (cron[1] ?? '').trim().split(/\s+/))
  throw new TypeError(`Schedule ${expression} is neither rate(…) nor cron(…)`)
}

function parseRate(
  expression: string,
  value: number,
  { unit, plural }: { readonly unit: string; readonly plural: string },
): Schedule {
  if (value < 1 || (value === 1) !== (plural === '')) {
    throw new TypeError(`Schedule ${expression}: write 1 ${unit}, or more ${unit}s`)
  }
  return { kind: 'rate', intervalMs: value * (UNIT_MS[unit] ?? 0) }
}

function parseCron(expression: string, parts: readonly string[]): Schedule {
  const [minutes, hours, daysOfMonth, months, daysOfWeek, years, ...more] = parts
  if (!minutes || !hours || !daysOfMonth || !months || !daysOfWeek || !years || more.length > 0) {
    throw new TypeError(`Schedule ${expression} must have six fields`)
  }
  if ((daysOfMonth === '?') === (daysOfWeek === '?')) {
    throw new TypeError(`Schedule ${expression} must have ? in exactly one of the two day fields`)
  }
  const field = (text: string, range: Range): ((value: number) => boolean) =>
    parseField(expression, text, range)
  const isMinute = field(minutes, { min: 0, max: 59 })
  const isHour = field(hours, { min: 0, max: 23 })
  const isDayOfMonth = field(daysOfMonth, { min: 1, max: 31 })
  const isMonth = field(months, { min: 1, max: 12, names: MONTHS })
  // Sunday is 1.
  const isDayOfWeek = field(daysOfWeek, { min: 1, max: 7, names: DAYS })
  const isYear = field(years, { min: 1970, max: 2199 })
  return {
    kind: 'cron',
    isDue(minuteMs) {
      const at = new Date(minuteMs)
      return (
        isMinute(at.getUTCMinutes()) &&
        isHour(at.getUTCHours()) &&
        isDayOfMonth(at.getUTCDate()) &&
        isMonth(at.getUTCMonth() + 1) &&
        isDayOfWeek(at.getUTCDay() + 1) &&
        isYear(at.getUTCFullYear())
      )
    },
  }
}

interface Range {
  readonly min: number
  readonly max: number
  /** Names of the values from `min` on. */
  readonly names?: readonly string[]
}

function parseField(expression: string, text: string, range: Range): (value: number) => boolean {
  if (text === '*' || text === '?') return () => true
  const tests = text.split(',').map((part) => parsePart(expression, part, range))
  return (value) => tests.some((test) => test(value))
}

function parsePart(expression: string, part: string, range: Range): (value: number) => boolean {
  const match = /^(\*|[A-Z\d]+)(?:-([A-Z\d]+))?(?:\/(\d+))?$/.exec(part)
  const number = (text: string): number => {
    const named = range.names?.indexOf(text) ?? -1
    const value = named >= 0 ? named + range.min : Number(text)
    if (Number.isInteger(value) && value >= range.min && value <= range.max) return value
    throw new TypeError(`Schedule ${expression}: ${part} is not emulated or out of range`)
  }
  if (!match) throw new TypeError(`Schedule ${expression}: ${part} is not emulated or out of range`)
  const [, from = '*', to, step] = match
  const low = from === '*' ? range.min : number(from)
  const isOpen = from === '*' || step !== undefined
  const high = to !== undefined ? number(to) : isOpen ? range.max : low
  const stride = Number(step ?? 1)
  return (value) => value >= low && value <= high && (value - low) % stride === 0
}
