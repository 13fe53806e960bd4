/** How far a text has been read. */
interface Reader {
  readonly text: string
  at: number
}

/**
 * Index of the first character with which a text can no longer become JSON (RFC 8259): its length when it ends too early, undefined when it
 * is JSON. `JSON.parse` says that in a sentence for people, which changes with the engine and leaves the place out of short texts; jsonc-parser
 * names the start of the token, so a payload cut within a string of a kilobyte would be said to break a kilobyte before its end.
 * Goes as deep as the text does: only for texts whose depth was looked at.
 */
export function jsonBreak(text: string): number | undefined {
  const reader: Reader = { text, at: 0 }
  const isJson = readValue(reader) && isAtEnd(reader)
  return isJson ? undefined : reader.at
}

function isAtEnd(reader: Reader): boolean {
  skipSpace(reader)
  return reader.at === reader.text.length
}

/** Each of these is true when it found what it is named for, and then stands behind it; else it stands where the text breaks. */
function readValue(reader: Reader): boolean {
  skipSpace(reader)
  switch (reader.text.charAt(reader.at)) {
    case '{':
      return readList(reader, readMember, /\}/y)
    case '[':
      return readList(reader, readValue, /\]/y)
    case '"':
      return readString(reader)
    case 't':
      return readWord(reader, 'true')
    case 'f':
      return readWord(reader, 'false')
    case 'n':
      return readWord(reader, 'null')
    default:
      return readNumber(reader)
  }
}

function readList(reader: Reader, readItem: (reader: Reader) => boolean, end: RegExp): boolean {
  reader.at++
  skipSpace(reader)
  if (take(reader, end)) return true
  while (readItem(reader)) {
    skipSpace(reader)
    if (take(reader, end)) return true
    if (!take(reader, /,/y)) return false
  }
  return false
}

function readMember(reader: Reader): boolean {
  skipSpace(reader)
  if (!readString(reader)) return false
  skipSpace(reader)
  return take(reader, /:/y) && readValue(reader)
}

function readString(reader: Reader): boolean {
  if (!take(reader, /"/y)) return false
  for (;;) {
    // A control character has no place in a string (RFC 8259, 7).
    take(reader, /[^"\\\u0000-\u001f]+/y)
    if (take(reader, /"/y)) return true
    if (!take(reader, /\\/y)) return false
    if (!take(reader, /["\\/bfnrt]/y) && !readCodeUnit(reader)) return false
  }
}

function readCodeUnit(reader: Reader): boolean {
  if (!take(reader, /u/y)) return false
  for (let digit = 0; digit < 4; digit++) if (!take(reader, /[0-9a-f]/iy)) return false
  return true
}

function readWord(reader: Reader, word: string): boolean {
  for (const letter of word) {
    if (reader.text[reader.at] !== letter) return false
    reader.at++
  }
  return true
}

function readNumber(reader: Reader): boolean {
  take(reader, /-/y)
  if (!take(reader, /0|[1-9][0-9]*/y)) return false
  if (take(reader, /\./y) && !take(reader, /[0-9]+/y)) return false
  return !take(reader, /e[+-]?/iy) || take(reader, /[0-9]+/y)
}

function skipSpace(reader: Reader): void {
  take(reader, /[ \t\n\r]+/y)
}

/** Goes behind what the sticky pattern finds here, if anything. */
function take(reader: Reader, pattern: RegExp): boolean {
  pattern.lastIndex = reader.at
  if (!pattern.test(reader.text)) return false
  reader.at = pattern.lastIndex
  return true
}
