import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { createVitest, type TestCase } from 'vitest/node'

/** A test that shows one or more items of the behaviour sheet. */
export interface Proof {
  readonly items: readonly string[]
  readonly behaviour: string
  /** From the root of the repository. */
  readonly file: string
  /** Where it runs: at any target, or why only here. */
  readonly where: string
}

/** Facts of AWS (docs/facts); the catalogues of this project have prefixes of their own. */
const ITEM = '(?:APIGW|MGMT|LAMBDA|EMF|KINESIS|IOT|CW|DDB|CFN)-\\d+'
const titled = new RegExp(`^(${ITEM}(?:(?:,| and|–) ?${ITEM})*)\\s*[:–-]\\s*(.+)$`)
const inBrackets = new RegExp(`\\((${ITEM}(?:(?:,|–) ?${ITEM})*)\\)`, 'g')
const localOnly = /\s*\[local only: ([^\]]+)\]$/

/** Where the behaviour of a service is proven. */
const FOLDERS = [
  'test/conformance',
  'infra/local/services',
  'infra/local/template',
  'infra/local/platform',
]

/** Reads the titles of every test without running one: those that begin with items (`APIGW-14, APIGW-15: …`) or hold them in brackets. */
export async function readProofs(root: string): Promise<readonly Proof[]> {
  const vitest = await createVitest('test', {
    root,
    watch: false,
    reporters: [],
    isolate: false,
    project: ['conformance', 'unit'],
  })
  try {
    const { testModules, unhandledErrors } = await vitest.collect(FOLDERS)
    const broken = testModules.flatMap((module) => module.errors())
    for (const error of [...unhandledErrors, ...broken]) throw error
    // Collected side by side: without an order of our own the page would differ from run to run.
    const inOrder = testModules.toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1))
    return inOrder.flatMap((module) => {
      const file = relative(root, module.moduleId)
      return [...module.children.allTests()].flatMap((test) => proofOf(test, file))
    })
  } finally {
    await vitest.close()
  }
}

function proofOf(test: TestCase, file: string): Proof[] {
  if (test.options.mode === 'skip' || test.options.mode === 'todo') return []
  const title = test.name.replace(localOnly, '')
  const match = titled.exec(title)
  const bracketed = [...title.matchAll(inBrackets)].flatMap(([, ids = '']) => itemsIn(ids))
  const items = [...new Set([...itemsIn(match?.[1] ?? ''), ...bracketed])]
  if (items.length === 0) return []
  return [{ items, behaviour: match?.[2] ?? title, file, where: whereOf(test, file) }]
}

/** `APIGW-1, APIGW-3–APIGW-5` → APIGW-1, APIGW-3, APIGW-4, APIGW-5. Throws TypeError for a range over two prefixes. */
export function itemsIn(ids: string): string[] {
  return ids.split(/,| and/).flatMap((part) => {
    const [first = '', last = first] = part.trim().split('–')
    if (first === '') return []
    const [prefix = '', from] = first.split('-')
    const [other, to] = last.split('-')
    if (other !== prefix) throw new TypeError(`${ids}: a range has one prefix`)
    return Array.from(
      { length: Number(to) - Number(from) + 1 },
      (_, index) => `${prefix}-${Number(from) + index}`,
    )
  })
}

function whereOf(test: TestCase, file: string): string {
  if (!file.endsWith('.target.test.ts')) return 'local'
  for (let one: TestCase | TestCase['parent'] = test; one.type !== 'module'; one = one.parent) {
    const reason = localOnly.exec(one.name)?.[1]
    if (reason !== undefined) return `local only: ${reason}`
  }
  return 'any target'
}

/** The page as it is in the repository. */
export const readPage = (file: string): string => readFileSync(file, 'utf8')
