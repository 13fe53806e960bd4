import { afterAll, beforeAll, expect, it } from 'vitest'
import { dynamoNoteReader } from '../../backend/src/adapters/dynamo-note-reader.ts'
import { dynamoNotes } from '../../backend/src/adapters/dynamo-notes.ts'
import type { Note } from '../../backend/src/protocol/index.ts'
import { startLocalTables, type LocalTables } from '../support/local-tables.ts'

const NOW = Date.UTC(2026, 0, 1)
const KEY = '5f0f3e0a-0b0e-4b39-9a57-1a2b3c4d5e6f'
const RETENTION_MS = 86_400_000
let database: LocalTables
beforeAll(async () => {
  database = await startLocalTables('history', 'subscriptions')
})
afterAll(() => database.close())

const noteOf = (changes: Partial<Note> = {}): Note => ({
  noteId: 'n-1',
  topic: 'plant-1/#',
  text: 'bearing replaced',
  at: NOW,
  by: 'ana',
  ...changes,
})
const notes = () =>
  dynamoNotes(
    database.client,
    { subscriptionsTable: 'subscriptions', historyTable: 'history' },
    RETENTION_MS,
  )
const kept = () =>
  dynamoNoteReader({ client: database.client, table: 'history' }).between(
    'plant-1/pump-7',
    NOW - 60_000,
    NOW + 60_000,
  )

it('a note is kept once for its key, also when two of them come at the same time', async () => {
  const answers = await Promise.all(
    [0, 1, 2].map((n) => notes().keep(noteOf({ noteId: `n-${n}`, at: NOW + n }), KEY)),
  )
  expect(new Set(answers.map(({ noteId }) => noteId)).size).toBe(1)
  expect(await kept()).toEqual([answers[0]])
  expect(await notes().keep(noteOf({ noteId: 'n-9', at: NOW + 5_000 }), KEY)).toEqual(answers[0])
})

it('the same key of somebody else, and no key at all, are other notes', async () => {
  await notes().keep(noteOf({ noteId: 'of-bea', by: 'bea', at: NOW + 10 }), KEY)
  await notes().keep(noteOf({ noteId: 'without', at: NOW + 11 }), undefined)
  await notes().keep(noteOf({ noteId: 'without-too', at: NOW + 12 }), undefined)
  expect((await kept()).map(({ noteId }) => noteId)).toEqual(
    expect.arrayContaining(['of-bea', 'without', 'without-too']),
  )
  expect(await kept()).toHaveLength(4)
})
