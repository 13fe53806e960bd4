/** What a JSON text looks like before it is parsed. */
export interface JsonShape {
  /** Nesting of objects and arrays: 0 for a number, 1 for `{}`. */
  readonly depth: number
  /** The first member name that its object has twice. */
  readonly duplicateKey: string | undefined
}

/**
 * One pass over the characters, without recursion, so that a text of 100 KB of `[` costs as little as any other
 * (MESSAGE-25, PAYLOAD-20, PAYLOAD-22). Stops at `maxDepth` + 1. Says nothing about whether the text is JSON: `JSON.parse` does.
 */
export function scanJson(text: string, maxDepth: number): JsonShape {
  /** One entry an open container: the names of an object, or undefined for an array. */
  const open: (Set<string> | undefined)[] = []
  let depth = 0
  let duplicateKey: string | undefined
  let isName = false
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: {
        const end = endOfString(text, at)
        const names = open.at(-1)
        if (isName && names && duplicateKey === undefined) {
          const name = nameAt(text, at, end)
          if (names.has(name)) duplicateKey = name
          names.add(name)
        }
        isName = false
        at = end
        break
      }
      case 0x7b:
      case 0x5b:
        isName = text.charCodeAt(at) === 0x7b
        open.push(isName ? new Set() : undefined)
        depth = Math.max(depth, open.length)
        if (depth > maxDepth) return { depth, duplicateKey }
        break
      case 0x7d:
      case 0x5d:
        open.pop()
        isName = false
        break
      case 0x2c:
        isName = open.at(-1) !== undefined
        break
    }
  }
  return { depth, duplicateKey }
}

/** Index of the closing quote, or of the text's end. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x5c) at++
    else if (code === 0x22) return at
  }
  return text.length
}

/** `"\u0061"` and `"a"` are the same name. */
function nameAt(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end)
  if (!raw.includes('\\')) return raw
  try {
    return String(JSON.parse(`"${raw}"`))
  } catch {
    return raw
  }
}
