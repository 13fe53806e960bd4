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
  type ServerMessage,
} from '@gaugeline/backend/protocol'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { clientExamples } from '../support/protocol-examples.ts'

const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')

/** Every type once: a new one does not compile without a line here. */
const serverTypes: Readonly<Record<ServerMessage['type'], true>> = {
  welcome: true,
  subscribed: true,
  data: true,
  unsubscribed: true,
  history: true,
  pong: true,
  presence: true,
  command: true,
  note: true,
  alarms: true,
  alarmHistory: true,
  alarm: true,
  refreshed: true,
  revoked: true,
  error: true,
  goaway: true,
  gap: true,
  slow: true,
}

describe('docs/protocol.md', () => {
  it.each(clientExamples())('has an example of $action that its schema accepts', (example) => {
    const result = v.safeParse(clientMessageSchemas[example.action as Action], example)
    expect(result.issues).toBeUndefined()
    for (const subscription of example.subscriptions ?? []) {
      expect(v.safeParse(subscriptionSchema, subscription).issues).toBeUndefined()
    }
  })

  it('has an example of every server message, and of no other', () => {
    const examples = [...page.matchAll(/```json server\n([\s\S]*?)```/g)].map(
      ([, text]) => (JSON.parse(text ?? '') as { readonly type: string }).type,
    )
    expect([...new Set(examples)].sort()).toEqual(Object.keys(serverTypes).sort())
  })

  it('documents every action', () => {
    expect(actions.filter((action) => !page.includes(`### ${action} →`))).toEqual([])
  })

  it('documents every error code and invents none', () => {
    const documented = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code)
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

  it('documents every close code', () => {
    expect(Object.values(closeCodes).filter((code) => !page.includes(`| ${code} |`))).toEqual([])
  })
})
