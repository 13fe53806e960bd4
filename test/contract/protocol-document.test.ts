import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  actions,
  clientMessageSchemas,
  closeCodes,
  errorCodes,
  subscriptionSchema,
  type Action,
} from '@gaugeline/backend/protocol'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { readMessageTypes } from '../support/message-types.ts'
import { clientExamples, protocolPage, serverExamples } from '../support/protocol-examples.ts'

const page = protocolPage()

const types = readMessageTypes()
/** What the page says in code: its examples and what stands between backticks. */
const inCode = [...page.matchAll(/```[\s\S]*?```|`[^`]*`/g)].map(([text]) => text).join(' ')
/** Codes of RFC 6455 that the network or API Gateway gives by itself. */
const platformCodes = [1000, 1001, 1002, 1003, 1005, 1006, 1007, 1009]

describe('docs/protocol.md', () => {
  it.each(clientExamples())('has an example of $action that its schema accepts', (example) => {
    const result = v.safeParse(clientMessageSchemas[example.action as Action], example)
    expect(result.issues).toBeUndefined()
    for (const subscription of example.subscriptions ?? []) {
      expect(v.safeParse(subscriptionSchema, subscription).issues).toBeUndefined()
    }
  })

  it('has an example of every server message', () => {
    const shown = new Set(serverExamples().map(({ type }) => type))
    expect(types.names.filter((name) => !shown.has(name))).toEqual([])
  })

  it.each(serverExamples())('has an example of $type that its type allows', (example) => {
    expect(types.compare(example).problems).toEqual([])
  })

  it.each<[string, object, string]>([
    ['a member too few', { withinMs: undefined }, 'withinMs is undefined, not number'],
    ['a member too many', { soon: true }, 'soon is no member of the type'],
    ['a member of another kind', { reason: 7 }, 'reason is 7, not string'],
  ])('a server message with %s is not what its type allows', (_name, change, problem) => {
    const goaway = { type: 'goaway', reason: 'Goodbye.', withinMs: 0, ...change }
    expect(types.compare(goaway).problems).toEqual([problem])
  })

  it('names every member of every server message', () => {
    const isNamed = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(inCode)
    expect(types.memberNames.filter((name) => !isNamed(name))).toEqual([])
  })

  it('documents every action', () => {
    expect(actions.filter((action) => !page.includes(`### ${action} →`))).toEqual([])
  })

  it('documents every error code and invents none, each with its meaning and what to do', () => {
    const rows = page.matchAll(/^\| `([A-Z_]+)` \| [^|]+ \| [^|]+ \|$/gm)
    const documented = [...rows].map(([, code]) => code)
    expect(documented.sort()).toEqual(Object.keys(errorCodes).sort())
  })

  it('every error code is given by some code of the backend', () => {
    const root = fileURLToPath(new URL('../../backend/src/', import.meta.url))
    const source = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => /^(core|adapters)[/\\].*\.ts$/.test(name) && !/\.test\.ts$/.test(name))
      .map((name) => readFileSync(join(root, name), 'utf8'))
      .join('\n')
    const given = (code: string): boolean => source.includes(`'${code}'`)
    expect(Object.keys(errorCodes).filter((code) => !given(code))).toEqual([])
  })

  it('documents every close code and invents none, each with its meaning and what to do', () => {
    const [, table = ''] = page.split('## Close codes')
    const rows = [...table.matchAll(/^\| ([\d, ]+) \| ([^|]+) \| ([^|]+) \|$/gm)]
    const documented = rows.flatMap(([, codes = '']) => codes.split(', ').map(Number))
    const given = [...Object.values(closeCodes), ...platformCodes]
    expect(documented.sort()).toEqual(given.sort())
  })
})
