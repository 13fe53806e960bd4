import { describe, expect, it } from 'vitest'
import {
  heard,
  mergePublishers,
  presenceOf,
  withPresence,
  type Publisher,
  type Publishers,
} from './publishers.ts'

const session = (changes: Partial<Publisher>): Publishers => ({
  'pump-7': { heardMs: 90, online: true, at: 100, session: 3, ...changes },
})
const event = (online: boolean, atMs: number, version = 3, clientId = 'pump-7') => ({
  clientId,
  online,
  atMs,
  version,
  reason: 'CLIENT_INITIATED_DISCONNECT',
})

describe('the presence of a device', () => {
  it.each<[string, ReturnType<typeof event>, boolean | undefined]>([
    ['a new session', event(true, 200, 4), true],
    ['the end of this session', event(false, 200, 3), false],
    ['the late end of an earlier session', event(false, 200, 2), undefined],
    ['an older event', event(false, 50, 3), undefined],
    ['the same event again', event(true, 100, 3), true],
  ])('follows %s', (_name, next, becomes) => {
    const publishers = withPresence(session({}), next)
    expect(publishers && presenceOf(publishers)?.online).toBe(becomes)
  })

  it('says why it left, and forgets that when it comes back', () => {
    const left = withPresence(session({}), event(false, 200))!
    expect(presenceOf(left)).toEqual({
      online: false,
      at: 200,
      reason: 'CLIENT_INITIATED_DISCONNECT',
    })
    expect(presenceOf(withPresence(left, event(true, 300, 4))!)).toEqual({ online: true, at: 300 })
  })

  it.each<[string, Publisher]>([
    ['is connected', { heardMs: 90, online: true, at: 10 }],
    ['connected before it was known as one', { heardMs: 90 }],
    ['sent something after it seemed to leave', { heardMs: 9_000, online: false, at: 10 }],
  ])(
    'a tool that sent once and left does not take it offline while its gateway %s',
    (_name, gateway) => {
      const both = heard(heard({ gateway }, 'gateway', gateway.heardMs), 'tool', 95)
      const left = withPresence(both, event(false, 200, 1, 'tool'))!
      expect(presenceOf(left)?.online).not.toBe(false)
    },
  )

  it('is offline when the last of its publishers has left, the gateway too', () => {
    let publishers = heard(heard({}, 'gateway', 90), 'tool', 95)
    publishers = withPresence(publishers, event(false, 200, 1, 'tool'))!
    publishers = withPresence(publishers, event(false, 9_000, 1, 'gateway'))!
    expect(presenceOf(publishers)).toMatchObject({ online: false, at: 9_000 })
  })

  it('is not known of what came over HTTP, which has no session', () => {
    expect(heard({}, '', 5)).toEqual({})
    expect(presenceOf(heard({}, 'pump-7', 5))).toBeUndefined()
  })

  it('is the same whichever of two shards knows what', () => {
    const telemetry = heard(heard({}, 'gateway', 9_000), 'tool', 95)
    const presence = withPresence({}, event(false, 200, 1, 'tool'))!
    expect(mergePublishers(telemetry, presence)).toEqual(mergePublishers(presence, telemetry))
    expect(presenceOf(mergePublishers(presence, telemetry))).toBeUndefined()
  })

  it('four publishers are remembered, those that were heard of last, whatever their names', () => {
    let publishers: Publishers = {}
    for (const [i, id] of ['a', '__proto__', 'b', 'c', 'd', 'e'].entries()) {
      publishers = heard(publishers, id, i + 1)
    }
    expect(Object.keys(publishers).sort()).toEqual(['b', 'c', 'd', 'e'])
  })
})
