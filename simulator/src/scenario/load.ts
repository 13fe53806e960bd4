import { readFileSync, statSync } from 'node:fs'
import * as v from 'valibot'
import { isCollection, LineCounter, parseDocument, type Document } from 'yaml'
import { UsageError } from '../errors.ts'
import { scenarioSchema, type Scenario } from './schema.ts'

const maxBytes = 1_048_576

/** Reads and checks a scenario file. Throws {@link UsageError} naming the file, the line and what to write instead. */
export function loadScenario(path: string): Scenario {
  return parseScenario(readText(path), path)
}

function readText(path: string): string {
  try {
    if (statSync(path).size > maxBytes) throw new UsageError(`${path}: a scenario is at most 1 MB`)
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '')
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
  const result = v.safeParse(scenarioSchema, toData(document, path))
  if (!result.success) {
    // A misspelt key is also a missing one: the unknown key is what helps.
    const issue = result.issues.find(({ expected }) => expected === 'never') ?? result.issues[0]
    throw new UsageError(describe(issue, { document, lines, path }))
  }
  checkIds(result.output, path)
  checkFaults(result.output, path)
  return result.output
}

function toData(document: Document, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown
  } catch {
    throw new UsageError(`${path}: too many YAML aliases; write the values out`)
  }
}

function describe(
  issue: v.BaseIssue<unknown>,
  { document, lines, path }: { document: Document; lines: LineCounter; path: string },
): string {
  const keys = (issue.path ?? []).map((item) => item.key as string | number)
  let node: unknown
  for (let depth = keys.length; depth > 0 && !node; depth--) {
    node = document.getIn(keys.slice(0, depth), true)
  }
  const range =
    isCollection(node) || (node && typeof node === 'object' && 'range' in node)
      ? (node as { range?: [number] }).range
      : undefined
  const { line, col } = range ? lines.linePos(range[0]) : { line: 1, col: 1 }
  const rule =
    issue.expected === 'never'
      ? 'unknown key; see docs/simulator.md for the known ones'
      : issue.message
  return `${path}:${line}:${col}: ${keys.join('.') || 'scenario'}: ${rule}`
}

function checkIds(scenario: Scenario, path: string): void {
  const owner = new Map<string, string>()
  for (const [name, fleet] of Object.entries(scenario.fleets)) {
    for (let index = 0; index < fleet.count; index++) {
      const id = fleet.id.replace('{index}', String(fleet.first + index))
      const other = owner.get(id)
      if (other !== undefined) {
        throw new UsageError(
          `${path}: device id ${id} is in fleet ${other} and in fleet ${name}; a thing name is unique in an account, give one of them another id or "first"`,
        )
      }
      owner.set(id, name)
    }
  }
}

function checkFaults(scenario: Scenario, path: string): void {
  for (const fault of scenario.faults) {
    if (scenario.duration !== undefined && fault.at >= scenario.duration) {
      throw new UsageError(
        `${path}: fault ${fault.kind} of ${fault.device} starts after the end of the scenario`,
      )
    }
  }
}
