import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { isObject } from './fields.ts'

/** A file that is not what {@link writeJsonFile} wrote. The message says why, without the file's name. */
export class FileDamaged extends Error {}

/** Replaces a file by a JSON value with its checksum; a reader sees the old one or the new one. Throws what the file system throws. */
export function writeJsonFile(file: string, value: unknown): void {
  const text = JSON.stringify(value)
  writeFileSync(`${file}.new`, `{"crc32":"${checksum(text)}","value":${text}}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** The value in a file that {@link writeJsonFile} wrote; undefined when there is no file. Throws {@link FileDamaged}. */
export function readJsonFile(file: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const parsed = parse(text)
  if (!isObject(parsed) || parsed['crc32'] !== checksum(JSON.stringify(parsed['value']))) {
    throw new FileDamaged('its checksum does not match')
  }
  return parsed['value']
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const reason = text.trim() === '' ? 'it is empty' : (cause as Error).message
    throw new FileDamaged(reason, { cause })
  }
}

function checksum(text: string | undefined): string {
  return crc32(text ?? '')
    .toString(16)
    .padStart(8, '0')
}
