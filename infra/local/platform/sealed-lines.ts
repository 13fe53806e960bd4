import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'

/** The bytes of a file that are not what was written. */
export interface Damage {
  readonly offsetBytes: number
  readonly lengthBytes: number
}

export interface SealedLines {
  /** The texts whose checksum holds, in order. */
  readonly texts: readonly string[]
  readonly damaged: readonly Damage[]
}

/** Digits of the checksum and the blank behind it. */
const SEAL_LENGTH = 9

/** A line of a file that is only added to: the CRC-32 of the text in eight hexadecimal digits, a blank, the text (without a line break). */
export function sealLine(text: string): string {
  return `${checksum(text)} ${text}\n`
}

/**
 * Reads what {@link sealLine} wrote. A last line without its end that does not hold is one that a killed process left unfinished: nobody was
 * told that it is there, so it is left out in silence. Everything else that does not hold is damage. Throws what the file system throws.
 */
export function readSealedLines(file: string): SealedLines {
  const bytes = readFileSync(file)
  const texts: string[] = []
  const damaged: Damage[] = []
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(10, start)
    const end = newline < 0 ? bytes.length : newline
    const text = textOf(bytes.toString('utf8', start, end))
    if (text !== undefined) texts.push(text)
    else if (newline >= 0) damaged.push({ offsetBytes: start, lengthBytes: end - start })
    start = end + 1
  }
  return { texts, damaged }
}

/** One line for the person at the terminal. `what`: the kind of thing that a line holds, in the singular. */
export function damageText(file: string, damaged: readonly Damage[], what: string): string {
  const places = damaged.slice(0, 3).map(({ offsetBytes }) => offsetBytes)
  const more = damaged.length > places.length ? ' …' : ''
  const count = damaged.length === 1 ? `a ${what} is` : `${damaged.length} ${what}s are`
  return `${file}: ${count} damaged at byte ${places.join(', ')}${more} (the checksum does not match): left out, everything else is there. Restore the file from a copy if you have one.`
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}

function textOf(line: string): string | undefined {
  const text = line.slice(SEAL_LENGTH)
  return line.startsWith(`${checksum(text)} `) ? text : undefined
}
