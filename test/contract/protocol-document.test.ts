import { readFileSync } from 'node:fs'
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
import { clientExamples } from '../support/protocol-examples.ts'

const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')

describe('docs/protocol.md', () => {
  it.each(clientExamples())('has an example of $action that its schema accepts', (example) => {
    const result = v.safeParse(clientMessageSchemas[example.action as Action], example)
    expect(result.issues).toBeUndefined()
    for (const subscription of example.subscriptions ?? []) {
      expect(v.safeParse(subscriptionSchema, subscription).issues).toBeUndefined()
    }
  })

  it('documents every action', () => {
    expect(actions.filter((action) => !page.includes(`### ${action} →`))).toEqual([])
  })

  it('documents every error code and invents none', () => {
    const documented = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code)
    expect(documented.sort()).toEqual(Object.keys(errorCodes).sort())
  })

  it('documents every close code', () => {
    expect(Object.values(closeCodes).filter((code) => !page.includes(`| ${code} |`))).toEqual([])
  })
})
