import { expect, it } from 'vitest'
import { connectFailure, isLasting, wayOutOf } from './connect-failure.ts'

const error = (message: string, code?: unknown): Error =>
  Object.assign(new Error(message), { code })

it.each([
  ['CONNACK 3, server unavailable', error('Connection refused: Server unavailable', 3), false],
  ['CONNACK 5, not authorised', error('Connection refused: Not authorized', 5), true],
  ['CONNACK 7, not authorised', error('Connection refused: undefined', 7), true],
  ['CONNACK 99', error('Connection refused: undefined', 99), true],
  ['ECONNREFUSED', error('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED'), true],
  ['ENOTFOUND', error('getaddrinfo ENOTFOUND nowhere', 'ENOTFOUND'), true],
  ['no CONNACK within 10 s', error('connack timeout'), true],
  ['closed before the CONNACK', undefined, false],
])('an attempt failed by %s', (text, cause, lasts) => {
  expect(connectFailure(cause)).toBe(text)
  // A broker that throttles, or closes while it starts, may take the next attempt.
  expect(isLasting(text)).toBe(lasts)
})

it.each([
  ['CONNACK 7, not authorised', '--cert'],
  ['CONNACK 3, server unavailable', 'fewer devices'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', '--ca'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', '--ca'],
  ['ENOTFOUND', '--mqtt'],
  ['no CONNACK within 10 s', 'MQTT 3.1.1'],
])('%s has a way out', (reason, part) => {
  expect(wayOutOf(reason)).toContain(part)
})
