import { describe, expect, it } from 'vitest'
import { connectionOf, identityOf, memoryRevocations } from '../connections/fakes.ts'
import { authorize, toAuthorizerAnswer } from './authorize.ts'
import { fromAuthorizerContext, toAuthorizerContext } from './context.ts'
import { hasRole } from './identity.ts'
import { accessTokenClaims } from './pre-token.ts'
import type { TokenOutcome } from './ports.ts'

const ARN = 'arn:aws:execute-api:eu-west-1:000000000000:abc123/prod/$connect'

function setUp(outcome: TokenOutcome = { ok: true, identity: identityOf() }) {
  const seen: string[] = []
  return {
    seen,
    revocations: memoryRevocations(),
    tokens: {
      verify: (token: string) => {
        seen.push(token)
        return Promise.resolve(outcome)
      },
    },
  }
}

it.each(['Sec-WebSocket-Protocol', 'sec-websocket-protocol', 'SEC-WEBSOCKET-PROTOCOL'])(
  'APIGW-60: takes the token from %s',
  async (name) => {
    const ports = setUp()
    const decision = await authorize({ [name]: 'gaugeline.v1,bearer.a.b.c' }, ports)
    expect(decision.outcome).toBe('allowed')
    expect(ports.seen).toEqual(['a.b.c'])
  },
)

it.each([
  [undefined],
  [''],
  ['gaugeline.v1'],
  ['Bearer a.b.c'],
  ['gaugeline.v1, bearer.a.b.c, bearer.d.e.f'],
])('HANDSHAKE-1, HANDSHAKE-2: without exactly one token nobody is asked: %s', async (value) => {
  const ports = setUp()
  expect(await authorize({ 'Sec-WebSocket-Protocol': value }, ports)).toMatchObject({
    outcome: 'unauthorized',
  })
  expect(ports.seen).toEqual([])
})

describe('the answer to API Gateway', () => {
  const headers = { 'Sec-WebSocket-Protocol': 'gaugeline.v1, bearer.a.b.c' }
  const answer = async (ports: ReturnType<typeof setUp>) => {
    return toAuthorizerAnswer(await authorize(headers, ports), ARN)
  }
  it('APIGW-61: throws the one word that becomes 401', async () => {
    await expect(answer(setUp({ ok: false, reason: 'SIGNATURE_INVALID' }))).rejects.toThrow(
      /^Unauthorized$/,
    )
  })
  it('PROMISE-17, APIGW-63: throws anything else, which becomes 500, when the keys cannot be had', async () => {
    const failure = answer(setUp({ ok: false, reason: 'KEYS_UNAVAILABLE' }))
    await expect(failure).rejects.toThrow('the keys of the issuer cannot be had')
  })
  it('APIGW-65: allows exactly this API, stage and route', async () => {
    expect(await answer(setUp())).toMatchObject({
      principalId: 'ana',
      policyDocument: {
        Version: '2012-10-17',
        Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: ARN }],
      },
    })
  })
  it('TOKEN-27: denies a revoked token, without a context', async () => {
    const ports = setUp()
    await ports.revocations.revokeToken(identityOf().issuer, 'token-1', 0)
    const denied = await answer(ports)
    expect(denied.policyDocument.Statement[0].Effect).toBe('Deny')
    expect(denied).not.toHaveProperty('context')
  })
  it('TOKEN-21: denies a genuine token that grants nothing', async () => {
    const denied = await answer(setUp({ ok: false, reason: 'NO_ACCESS' }))
    expect(denied.policyDocument.Statement[0].Effect).toBe('Deny')
  })
  it('APIGW-67, APIGW-70: its context is strings only and stays below 8 KB with 200 devices', async () => {
    const devices = Array.from({ length: 200 }, (_, i) => `plant-1/pump-${i}`)
    const full = await answer(setUp({ ok: true, identity: identityOf({ devices }) }))
    expect(Object.values(full.context ?? {}).every((value) => typeof value === 'string')).toBe(true)
    expect(JSON.stringify(full).length).toBeLessThan(8_192)
  })
})

describe('the identity in events', () => {
  it('APIGW-68: comes back from the context as it went in', () => {
    const identity = identityOf({ roles: ['viewer', 'admin'], devices: ['#', 'plant-1/pump-1'] })
    const context = { ...toAuthorizerContext(identity), principalId: 'ana', integrationLatency: 5 }
    expect(fromAuthorizerContext(context)).toEqual(identity)
  })
  it.each([
    undefined,
    null,
    {},
    { user: 'ana' },
    { user: 'ana', expiresAt: 'x' },
    { expiresAt: '5' },
  ])('fails closed for %j', (context) => {
    expect(fromAuthorizerContext(context)).toBeUndefined()
  })
})

it('a stronger role may what a weaker one may', () => {
  expect(hasRole(connectionOf({ roles: ['admin'] }), 'operator')).toBe(true)
  expect(hasRole(connectionOf({ roles: ['operator'] }), 'operator')).toBe(true)
  expect(hasRole(connectionOf({ roles: ['viewer'] }), 'operator')).toBe(false)
  expect(hasRole(connectionOf({ roles: [] }), 'viewer')).toBe(false)
})

it('the access token gets roles from groups and topics from the attribute, nothing else', () => {
  expect(
    accessTokenClaims({
      groups: ['admin', 'operator', 'eu-west-1_abc_Google'],
      devices: ' plant-1/#, plant-2/pump-1  plant-1/# * ../x ',
    }),
  ).toEqual({ roles: ['operator', 'admin'], devices: ['plant-1/#', 'plant-2/pump-1'] })
  expect(accessTokenClaims({ groups: [], devices: undefined })).toEqual({ roles: [], devices: [] })
})
