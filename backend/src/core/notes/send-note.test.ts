import { beforeEach, describe, expect, it } from 'vitest'
import type { ClientMessage, Note } from '../../protocol/index.ts'
import { connectionOf, fakeClock, fakeSockets, memoryRevocations } from '../connections/fakes.ts'
import { sendNote, type Watcher } from './send-note.ts'

const connection = connectionOf()
const watcher = (change: Partial<Watcher>): Watcher => ({
  ...connection,
  topic: '#',
  grants: ['#'],
  ...change,
})
let clock: ReturnType<typeof fakeClock>
let ports: ReturnType<typeof makePorts>
function makePorts() {
  const kept: Note[] = []
  const byKey = new Map<string, Note>()
  let made = 0
  const watching: Watcher[] = []
  return {
    kept,
    watching,
    keep(note: Note, key?: string) {
      const known = key === undefined ? undefined : byKey.get(key)
      if (known) return Promise.resolve(known)
      if (key !== undefined) byKey.set(key, note)
      kept.push(note)
      return Promise.resolve(note)
    },
    watchers: () => Promise.resolve(watching),
    revocations: memoryRevocations(),
    sockets: fakeSockets(),
    clock,
    newId: () => `note-${++made}`,
    retentionMs: 24 * 3_600_000,
  }
}
beforeEach(() => {
  clock = fakeClock()
  ports = makePorts()
})
const send = (change: Partial<ClientMessage<'sendMessage'>> = {}, from = connection) =>
  sendNote(
    { action: 'sendMessage', id: 7, topic: 'plant-1/pump-7', text: 'bearing replaced', ...change },
    from,
    ports,
  )

it('is kept and answered with who wrote it and when', async () => {
  const note = {
    noteId: 'note-1',
    topic: 'plant-1/pump-7',
    text: 'bearing replaced',
    at: clock.ms,
    by: 'ana',
  }
  expect(await send()).toEqual({ type: 'note', id: 7, note })
  expect(ports.kept).toEqual([note])
})

it.each([
  ['plant-1/pump-7', ['device=', 'site=', 'fleet=']],
  ['plant-1/#', ['device=', 'site=', 'fleet=', 'other-device=']],
])('a note on %s reaches those whose subscription it concerns, once', async (topic, expected) => {
  ports.watching.push(
    watcher({ connectionId: 'device=', topic: 'plant-1/pump-7' }),
    watcher({ connectionId: 'device=', topic: 'plant-1/#' }),
    watcher({ connectionId: 'site=', topic: 'plant-1/#' }),
    watcher({ connectionId: 'fleet=', topic: '#' }),
    watcher({ connectionId: 'other-device=', topic: 'plant-1/pump-8' }),
    watcher({ connectionId: 'other-site=', topic: 'plant-2/#' }),
    watcher({ connectionId: 'expired=', topic: '#', expiresAt: clock.ms / 1_000 }),
    watcher({ connectionId: connection.connectionId, topic: '#' }),
  )
  await send({ topic })
  expect(ports.sockets.posted.map(({ to }) => to).sort()).toEqual([...expected].sort())
})

it.each([
  ['plant-1/pump-7', ['whole=', 'own-device=']],
  ['plant-1/#', ['whole=', 'own-device=', 'next-device=']],
])('a note on %s is for those who may see what it is about', async (topic, expected) => {
  ports.watching.push(
    watcher({ connectionId: 'whole=', grants: ['plant-1/#'] }),
    watcher({ connectionId: 'own-device=', grants: ['plant-2/#', 'plant-1/pump-7'] }),
    watcher({ connectionId: 'next-device=', grants: ['plant-1/pump-8'] }),
    watcher({ connectionId: 'other-site=', grants: ['plant-2/#'] }),
    watcher({ connectionId: 'nothing=', grants: [] }),
    watcher({ connectionId: 'token-revoked=', tokenId: 'token-9' }),
    watcher({ connectionId: 'user-revoked=', user: 'ben' }),
  )
  await ports.revocations.revokeToken(connection.issuer, 'token-9', clock.ms)
  await ports.revocations.revokeUser(connection.issuer, 'ben', clock.ms)
  await send({ topic })
  expect(ports.sockets.posted.map(({ to }) => to).sort()).toEqual([...expected].sort())
})

it('each token is asked about once, many at once', async () => {
  for (let user = 0; user < 100; user++) {
    for (const connectionId of [`${user}-a=`, `${user}-b=`]) {
      const token = { user: `user-${user}`, tokenId: `token-${user}` }
      ports.watching.push(watcher({ connectionId, ...token }), watcher({ connectionId, ...token }))
    }
  }
  const asked: string[] = []
  let current = 0
  let most = 0
  ports.revocations.isRevoked = async ({ tokenId }) => {
    asked.push(tokenId)
    most = Math.max(most, ++current)
    await Promise.resolve()
    current--
    return tokenId === 'token-7'
  }
  await send()
  expect([asked.length, new Set(asked).size, most]).toEqual([100, 100, 20])
  expect(ports.sockets.posted).toHaveLength(198)
})

it('a socket that cannot be told does not fail the note', async () => {
  ports.watching.push(watcher({ connectionId: 'gone=' }))
  ports.sockets.answer = 'gone'
  expect(await send()).toMatchObject({ type: 'note' })
})

describe('who may, and what', () => {
  it('needs the role operator and an own topic; forbidden and unknown look the same', async () => {
    await expect(send({}, connectionOf({ roles: ['viewer'] }))).rejects.toMatchObject({
      code: 'FORBIDDEN',
    })
    const answers = await Promise.allSettled(
      ['plant-2/pump-1', 'nowhere/x', '#'].map((topic) => send({ topic })),
    )
    const texts = answers.map((one) => (one.status === 'rejected' ? String(one.reason) : 'kept'))
    expect(new Set(texts).size).toBe(1)
    expect(ports.kept).toEqual([])
  })
  it.each([-25 * 3_600_000, 25 * 3_600_000])('a time %i ms away is refused', async (offset) => {
    await expect(send({ at: clock.ms + offset })).rejects.toMatchObject({ code: 'RANGE_INVALID' })
  })
  it('PROMISE-25: lines and directions cannot be forged', async () => {
    await send({ text: 'a\r\nb\u001b[31mc\u2028d\u202ee' })
    expect(ports.kept[0]?.text).toBe('a b [31mc d e')
  })
  it('a note of control characters only is refused', async () => {
    await expect(send({ text: '\u0007\u200e\u202e'.replace('\u200e', '') })).rejects.toMatchObject({
      code: 'NOTE_INVALID',
    })
  })
})

describe('a note whose first answer was lost', () => {
  const key = '5f0f3e0a-0b0e-4b39-9a57-1a2b3c4d5e6f'

  it('is the same note when it is sent again with its key', async () => {
    const first = await send({ key })
    clock.ms += 5_000
    expect(await send({ key })).toEqual(first)
    expect(ports.kept).toHaveLength(1)
  })

  it('is not kept when who watches cannot be read: nothing has happened, and the message can be sent again', async () => {
    ports.watchers = () => Promise.reject(new Error('throttled'))
    await expect(send({ key })).rejects.toThrow('throttled')
    expect(ports.kept).toEqual([])
  })
})
