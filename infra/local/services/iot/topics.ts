/** The prefix of Basic Ingest topics: `$aws/rules/{rule}/{topic}` (IOT-64). */
const BASIC_INGEST = '$aws/rules/'

export interface BasicIngest {
  readonly ruleName: string
  /** The topic as the rule sees it, without the prefix (IOT-46). */
  readonly topic: string
}

/** The parts of a Basic Ingest topic, or undefined when the topic is an ordinary one. */
export function parseBasicIngest(topic: string): BasicIngest | undefined {
  if (!topic.startsWith(BASIC_INGEST)) return undefined
  const slash = topic.indexOf('/', BASIC_INGEST.length)
  if (slash < 0) return { ruleName: topic.slice(BASIC_INGEST.length), topic: '' }
  return { ruleName: topic.slice(BASIC_INGEST.length, slash), topic: topic.slice(slash + 1) }
}

export function hasWildcard(filter: string): boolean {
  return filter.includes('+') || filter.includes('#')
}

/**
 * True when `topic` is one that the filter asks for, as IoT Core reads filters: `a/#` matches `a/` and `a/b` but not `a`
 * (IOT-10), and a wildcard at the first level does not match `$` topics (IOT-17).
 */
export function topicMatchesFilter(filter: string, topic: string): boolean {
  if (filter === topic) return true
  const wanted = filter.split('/')
  const given = topic.split('/')
  if (given[0]?.startsWith('$') && (wanted[0] === '+' || wanted[0] === '#')) return false
  for (const [index, level] of wanted.entries()) {
    if (index >= given.length) return false
    if (level === '#') return index === wanted.length - 1
    if (level !== '+' && level !== given[index]) return false
  }
  return wanted.length === given.length
}

/** Why a filter is not one, or undefined: `#` only as the last level, `+` only as a whole level. */
export function filterProblem(filter: string): string | undefined {
  if (filter === '') return 'a topic filter is not empty'
  if (filter.includes('\0') || filter.includes('\uFFFD')) return 'it is not valid UTF-8'
  const levels = filter.split('/')
  for (const [index, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || index !== levels.length - 1)) {
      return '# is the whole last level'
    }
    if (level.includes('+') && level !== '+') return '+ is a whole level'
  }
  return undefined
}
