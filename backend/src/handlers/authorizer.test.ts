import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeKey, signToken, type TestKey } from '../adapters/token-fixtures.ts'
import { capturedOutput } from '../testing/captured-output.ts'

/** What a log must never hold: a token or a part of one, or a claim. */
const CANARY = 'canary-claim-4711'
const FORGERY = 'x\r\n{"level":"INFO"}\u001b[31m\u2028\u202e\u0085'

let key: TestKey
let handler: (event: unknown) => Promise<unknown>
beforeAll(async () => {
  key = await makeKey('canary-key')
  vi.stubEnv('AWS_REGION', 'eu-west-1')
  // Nothing listens there: what the environments share cannot be read either.
  vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1')
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'none')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'none')
  vi.stubEnv('CONNECTIONS_TABLE', 'connections')
  vi.stubEnv('ISSUER', 'https://issuer.example')
  vi.stubEnv('AUDIENCE', 'client-1')
  // Nothing listens there: the keys cannot be had, whatever the token.
  vi.stubEnv('JWKS_URI', 'http://127.0.0.1:1/jwks')
  const module = (await import('./authorizer.ts')) as unknown as { handler: typeof handler }
  handler = module.handler
})
afterAll(() => {
  vi.unstubAllEnvs()
})

const written = capturedOutput()

const call = (protocols: string, connectionId = 'c='): Promise<unknown> =>
  handler({
    methodArn: 'arn:aws:execute-api:eu-west-1:0:api/prod/$connect',
    headers: { 'Sec-WebSocket-Protocol': protocols },
    requestContext: { connectionId },
  })

describe('PROMISE-24, PROMISE-25: what the authorizer writes', () => {
  it('has neither the token nor a claim in it, and says why in one line', async () => {
    const token = await signToken(key, { sub: CANARY, jti: CANARY })
    // Not `Unauthorized`: an outage of the issuer is no verdict about the token (PROMISE-17).
    await expect(call(`gaugeline.v1, bearer.${token}`)).rejects.toThrow(/^the keys of the issuer/)
    const output = written.join('')
    expect(output).toContain('KEYS_UNAVAILABLE')
    expect(output).toContain('ConnectUndecided')
    expect(output).not.toContain('ConnectDenied')
    expect(output).not.toContain(CANARY)
    for (const part of token.split('.')) expect(output).not.toContain(part)
  })
  it.each([FORGERY, 'y'.repeat(1_000_000)])(
    'is whole JSON lines, at most 8 KB each',
    async (text) => {
      await expect(call(`gaugeline.v1, bearer.${text}`, text)).rejects.toThrow('Unauthorized')
      const lines = written.join('').split('\n').filter(Boolean)
      expect(lines.length).toBeGreaterThan(0)
      for (const line of lines) {
        expect(line.length).toBeLessThan(8_192)
        expect(() => JSON.parse(line) as unknown).not.toThrow()
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/)
      }
    },
  )
})
