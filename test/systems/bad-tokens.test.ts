import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { goodClaims, signToken } from '../../backend/src/adapters/token-fixtures.ts'
import { malleated, tokenRows, type TokenRow } from '../../backend/src/adapters/token-rows.ts'
import { startSystem, type System } from '../../infra/local/system.ts'
import { ProtocolClient } from '../support/client.ts'
import { startIssuer } from '../support/own-issuer.ts'
import { rawHandshake, type RawAnswer } from '../support/raw-handshake.ts'
import { waitFor } from '../support/wait.ts'

/**
 * Every TOKEN-… row of the bad-input catalogue (docs/facts) through the real local gateway: the template with an issuer of the test's own, so that
 * also what only an issuer can sign comes in at the front door. The same rows as the verifier's own suite.
 */
const cdkOut = fileURLToPath(new URL('../../cdk.out', import.meta.url))
const issuer = await startIssuer()
const { setting, ec } = issuer.world
let system: System
/** How many environments found the key set that another one had fetched. */
let takenOver = 0
/** What the authorizer said, oldest first. */
const decisions: { readonly reason: string; readonly outcome: string }[] = []
beforeAll(async () => {
  system = await startSystem({ cdkOut, localKey: 'key-of-the-test', edit: issuer.edit })
  system.followLogs('authorizer', (line) => {
    const event = JSON.parse(line) as { message?: string; reason: string; outcome: string }
    if (event.message === 'connect decided') decisions.push(event)
    if (event.message === 'key set taken over') takenOver++
  })
})
afterAll(async () => {
  await system.stop()
  await issuer.close()
})

const knock = (token: string): Promise<RawAnswer> =>
  rawHandshake(system.endpoints.websocket, {
    headers: { 'Sec-WebSocket-Protocol': `gaugeline.v1, bearer.${token}` },
  })
const signed = (claims: Record<string, unknown> = {}): Promise<string> =>
  signToken(ec, { ...goodClaims(setting), ...claims })

/** As a client sees it: what its verdict comes to at the front door (docs/protocol.md, "Handshake"). */
function expected({ verdict, wireStatus }: TokenRow): number {
  if (wireStatus !== undefined) return wireStatus
  if (verdict === 'ACCEPTED') return 101
  return verdict === 'NO_ACCESS' ? 403 : 401
}
const words: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'User is not authorized to access this resource',
}

it.each(tokenRows(issuer.world))('$title: $verdict at the front door', async (row) => {
  const before = decisions.length
  const answer = await knock(await row.token())
  expect(answer.status).toBe(expected(row))
  const message = words[answer.status]
  if (message !== undefined) expect(JSON.parse(answer.body)).toMatchObject({ message })
  if (row.wireStatus !== undefined) {
    expect(decisions).toHaveLength(before)
    return
  }
  const decision = await waitFor(() => decisions[before], 'the line of the authorizer')
  expect(decision.reason).toBe(row.verdict === 'ACCEPTED' ? 'TOKEN_VALID' : row.verdict)
})

it('TOKEN-6: of all of that nothing but the key set was asked for, and seldom', () => {
  expect(new Set(issuer.asked)).toEqual(new Set(['/keys']))
  expect(issuer.asked.length).toBeLessThan(10)
})

describe('TOKEN-27, TOKEN-24: a revoked token', () => {
  it('is refused with 403 under either of its signatures, and its sockets end', async () => {
    const admin = await ProtocolClient.connect(
      system.endpoints.websocket,
      await signed({ sub: 'ada', 'cognito:groups': ['admin'], jti: 'admin-token' }),
    )
    const lost = await signed({ sub: 'bob', jti: 'lost-token' })
    const kept = await signed({ sub: 'bob', jti: 'kept-token' })
    const victim = await ProtocolClient.connect(system.endpoints.websocket, malleated(lost))
    const answer = await admin.request({ action: 'revoke', jti: 'lost-token' }, 'revoked')
    expect(answer.connectionsClosed).toBe(1)
    const before = decisions.length
    for (const token of [lost, malleated(lost)]) expect((await knock(token)).status).toBe(403)
    expect((await knock(kept)).status).toBe(101)
    await waitFor(() => decisions.length >= before + 3, 'three decisions')
    expect(decisions.slice(before).map(({ reason }) => reason)).toEqual([
      'REVOKED',
      'REVOKED',
      'TOKEN_VALID',
    ])
    await waitFor(() => victim.closed, 'the end of its socket', 60_000)
    expect(victim.messages('goaway').map(({ code }) => code)).toContain(4403)
    admin.socket.terminate()
  })
})

it('PROMISE-17: environments that start while the issuer is away let in whoever has a token of a key that another one knows', async () => {
  await issuer.close()
  const before = takenOver
  const statuses = new Set<number>()
  let people = 0
  // Many at once make the function start environments, which then take their part.
  await waitFor(async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const name = `late-${people++}`
        return knock(await signed({ sub: name, jti: name }))
      }),
    )
    for (const { status } of answers) statuses.add(status)
    return takenOver > before
  }, 'an environment that started')
  expect([...statuses]).toEqual([101])
})
