/** `now`, `4 s`, `3 min`, `2 h`, `5 d`: an age in one short word. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  if (seconds < 1) return 'now'
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}

/** `850 ms`, `2.4 s`, `2 min 10 s`: a span as people say it. */
export function formatSpan(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) {
    const seconds = Math.round((ms % 60_000) / 1_000)
    return seconds === 0 ? `${minutes} min` : `${minutes} min ${seconds} s`
  }
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** `1 s`, `250 ms`, `2.5 s`: how often something comes, without the jitter of its measuring. */
export function formatInterval(ms: number): string {
  const step = ms < 950 ? 10 : 100
  return formatSpan(Math.round(ms / step) * step).replace('.0 ', ' ')
}

export type TimeZone = 'local' | 'utc'

const formats = new Map<string, Intl.DateTimeFormat>()

/** `10:41:58`, 24 hours. */
export function formatClock(at: number, zone: TimeZone, withSeconds = true): string {
  return format(`clock-${withSeconds}`, zone, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(withSeconds ? { second: '2-digit' } : {}),
  }).format(at)
}

/** `22 Nov, 10:41:58`. */
export function formatMoment(at: number, zone: TimeZone): string {
  return format('moment', zone, {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).format(at)
}

/** `22 Nov 10:41`: a time of another day than `now`; `10:41:58` or `10:41` of the same one. */
export function formatDayClock(
  at: number,
  zone: TimeZone,
  { now, withSeconds }: { readonly now: number; readonly withSeconds: boolean },
): string {
  const day = format('day', zone, { day: 'numeric', month: 'short' })
  const date = day.format(at)
  if (date === day.format(now)) return formatClock(at, zone, withSeconds)
  return `${date} ${formatClock(at, zone, false)}`
}

function format(
  name: string,
  zone: TimeZone,
  options: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  const key = `${name} ${zone}`
  let made = formats.get(key)
  if (!made) {
    made = new Intl.DateTimeFormat('en-GB', {
      ...options,
      ...(zone === 'utc' ? { timeZone: 'UTC' } : {}),
    })
    formats.set(key, made)
  }
  return made
}
