import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import * as v from 'valibot'
import { LineCounter, parseDocument, type Document } from 'yaml'
import { UsageError } from '../errors.ts'
import { checkScenario } from './checks.ts'
import { issueText } from './issue-text.ts'
import { placesOf } from './places.ts'
import { scenarioSchema, type Scenario } from './schema.ts'

const maxBytes = 1_048_576

/**
 * Reads and checks a scenario file; a relative path counts from `directory`. Throws {@link UsageError} naming the file, the line and
 * what to write instead.
 */
export function loadScenario(path: string, directory = '.'): Scenario {
  return parseScenario(readText(resolve(directory, path), path), path)
}

function readText(file: string, path: string): string {
  try {
    if (statSync(file).size > maxBytes) throw new UsageError(`${path}: a scenario is at most 1 MB`)
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '')
  } catch (error) {
    if (error instanceof UsageError) throw error
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    throw new UsageError(`${path}: cannot be read (${code}); give the path of a YAML scenario file`)
  }
}

/** The checked scenario of a YAML text; `path` is only for messages. */
export function parseScenario(text: string, path: string): Scenario {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, strict: true, uniqueKeys: true })
  const problem = document.errors[0] ?? document.warnings[0]
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0])
    throw new UsageError(`${path}:${line}:${col}: ${problem.message.split('\n')[0] ?? 'not YAML'}`)
  }
  const places = placesOf(path, { document, lines })
  const result = v.safeParse(scenarioSchema, toData(document, path))
  if (!result.success) throw new UsageError(issueText(result.issues, places))
  checkScenario(result.output, places)
  return result.output
}

function toData(document: Document, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown
  } catch {
    throw new UsageError(`${path}: too many YAML aliases; write the values out`)
  }
}
