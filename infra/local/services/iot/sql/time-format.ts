/** Joda patterns as `parse_time` and `time_to_epoch` read them: letters repeat for width, text in single quotes stays. */
const TOKEN = /'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+/g

/** The time as text; undefined for a pattern or a time zone that does not exist. */
export function formatTime(pattern: string, epochMs: number, zone: string): string | undefined {
  const fields = zonedFields(epochMs, zone)
  if (!fields) return undefined
  let text = ''
  for (const [token, quoted, letter] of pattern.matchAll(TOKEN)) {
    if (quoted !== undefined) text += quoted === '' ? "'" : quoted.replaceAll("''", "'")
    else if (letter === undefined) text += token
    else {
      const part = formatField(letter, token.length, fields)
      if (part === undefined) return undefined
      text += part
    }
  }
  return text
}

/** Epoch milliseconds of a text in that pattern, read as UTC unless the pattern has an offset; undefined when it does not fit. */
export function parseTime(text: string, pattern: string): number | undefined {
  const letters: string[] = []
  let source = ''
  for (const [token, quoted, letter] of pattern.matchAll(TOKEN)) {
    if (letter === undefined) source += escapeText(quoted ?? token)
    else {
      const field = PARSED[letter]
      if (field === undefined) return undefined
      letters.push(letter)
      source += `(${token.length === 3 && letter === 'M' ? '[A-Za-z]{3}' : field})`
    }
  }
  const match = new RegExp(`^${source}$`).exec(text)
  return match ? epochOf(letters, match.slice(1)) : undefined
}

interface Fields {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly millisecond: number
  readonly weekday: number
  readonly offsetMinutes: number
  readonly zone: string
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
const LONG_MONTHS =
  'January February March April May June July August September October November December'.split(' ')
const WEEKDAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')

const PARSED: Readonly<Record<string, string>> = {
  y: '\\d{2,4}',
  M: '\\d{1,2}',
  d: '\\d{1,2}',
  H: '\\d{1,2}',
  h: '\\d{1,2}',
  m: '\\d{1,2}',
  s: '\\d{1,2}',
  S: '\\d{1,3}',
  a: 'AM|PM',
  Z: 'Z|[+-]\\d{2}:?\\d{2}',
}

function zonedFields(epochMs: number, zone: string): Fields | undefined {
  const offsetMinutes = offsetOf(epochMs, zone)
  if (offsetMinutes === undefined || !Number.isFinite(epochMs)) return undefined
  const shifted = new Date(epochMs + offsetMinutes * 60_000)
  return {
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth() + 1,
    day: shifted.getUTCDate(),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
    second: shifted.getUTCSeconds(),
    millisecond: shifted.getUTCMilliseconds(),
    weekday: shifted.getUTCDay(),
    offsetMinutes,
    zone,
  }
}

function offsetOf(epochMs: number, zone: string): number | undefined {
  if (zone === 'UTC' || zone === 'Z') return 0
  try {
    const name = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
      .formatToParts(epochMs)
      .find((part) => part.type === 'timeZoneName')?.value
    const match = /GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(name ?? '')
    if (!match) return undefined
    const minutes = Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0)
    return match[1] === '-' ? -minutes : minutes
  } catch {
    return undefined
  }
}

function formatField(letter: string, width: number, fields: Fields): string | undefined {
  const number = (value: number): string => String(value).padStart(width, '0')
  switch (letter) {
    case 'y':
    case 'Y':
      return width === 2 ? String(fields.year % 100).padStart(2, '0') : number(fields.year)
    case 'M':
      if (width < 3) return number(fields.month)
      return (width === 3 ? MONTHS : LONG_MONTHS)[fields.month - 1]
    case 'd':
      return number(fields.day)
    case 'E':
      return width < 4 ? WEEKDAYS[fields.weekday]?.slice(0, 3) : WEEKDAYS[fields.weekday]
    case 'H':
      return number(fields.hour)
    case 'h':
      return number(fields.hour % 12 === 0 ? 12 : fields.hour % 12)
    case 'a':
      return fields.hour < 12 ? 'AM' : 'PM'
    case 'm':
      return number(fields.minute)
    case 's':
      return number(fields.second)
    case 'S':
      return String(fields.millisecond).padStart(3, '0').slice(0, width).padEnd(width, '0')
    case 'z':
      return fields.zone
    case 'Z':
      return offsetText(fields.offsetMinutes, width > 1)
    default:
      return undefined
  }
}

function offsetText(offsetMinutes: number, colon: boolean): string {
  const sign = offsetMinutes < 0 ? '-' : '+'
  const minutes = Math.abs(offsetMinutes)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${sign}${two(Math.floor(minutes / 60))}${colon ? ':' : ''}${two(minutes % 60)}`
}

function escapeText(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function epochOf(letters: readonly string[], values: readonly string[]): number | undefined {
  const text = (letter: string): string | undefined => values[letters.indexOf(letter)]
  const number = (letter: string, absent: number): number => Number(text(letter) ?? absent)
  const monthText = text('M') ?? '1'
  const month = /^\d+$/.test(monthText) ? Number(monthText) : MONTHS.indexOf(monthText) + 1
  const afternoon = text('a') === 'PM' ? 12 : 0
  const hour = letters.includes('h') ? (number('h', 0) % 12) + afternoon : number('H', 0)
  const millisecond = Number((text('S') ?? '0').padEnd(3, '0'))
  const year = number('y', 1970)
  const epochMs =
    Date.UTC(
      year < 100 ? 2000 + year : year,
      month - 1,
      number('d', 1),
      hour,
      number('m', 0),
      number('s', 0),
    ) +
    millisecond -
    offsetMsOf(text('Z'))
  return month >= 1 && Number.isFinite(epochMs) ? epochMs : undefined
}

function offsetMsOf(text: string | undefined): number {
  const match = /([+-])(\d{2}):?(\d{2})/.exec(text ?? '')
  if (!match) return 0
  const minutes = Number(match[2]) * 60 + Number(match[3])
  return (match[1] === '-' ? -minutes : minutes) * 60_000
}
