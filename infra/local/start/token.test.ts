import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runToken } from './token.ts'

let dir: string
let asked: { key: unknown; body: unknown }[]

/** The issuer's mint endpoint as far as the command sees it. */
const issuer = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    asked.push({ key: request.headers['x-gaugeline-key'], body: JSON.parse(body) })
    const isKnown = request.headers['x-gaugeline-key'] === 'the-key'
    response.writeHead(isKnown ? 200 : 403).end(isKnown ? '{"token":"a.b.c"}' : 'no')
  })
})

async function token(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const code = await runToken([...args, '--state-dir', dir], {
    out: (text) => (said.out += text),
    err: (text) => (said.err += text),
  })
  return { code, ...said }
}

beforeEach(async () => {
  asked = []
  dir = mkdtempSync(path.join(tmpdir(), 'gaugeline-token-'))
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
  const { port } = issuer.address() as AddressInfo
  writeFileSync(
    path.join(dir, 'endpoints.json'),
    JSON.stringify({ issuer: `http://127.0.0.1:${port}` }),
  )
  writeFileSync(path.join(dir, 'local.key'), 'the-key')
})
afterEach(async () => {
  await new Promise((resolve) => issuer.close(resolve))
  rmSync(dir, { recursive: true, force: true })
})

const ana = ['--user', 'ana', '--role', 'operator', '--devices', 'plant-1/#,plant-2/pump-1']

describe('npm run token', () => {
  test('asks the running issuer with the local key and prints the token alone', async () => {
    expect(await token(...ana, '--expires', '15m')).toEqual({ code: 0, out: 'a.b.c\n', err: '' })
    const devices = ['plant-1/#', 'plant-2/pump-1']
    expect(asked).toEqual([
      { key: 'the-key', body: { user: 'ana', roles: ['operator'], devices, expiresIn: 900 } },
    ])
  })

  test('--json adds the facts', async () => {
    const { out } = await token(...ana, '--json')
    expect(JSON.parse(out)).toMatchObject({ token: 'a.b.c', user: 'ana', expiresIn: 3600 })
  })

  test('a refusal of the issuer is exit code 1 with what it said', async () => {
    writeFileSync(path.join(dir, 'local.key'), 'old')
    expect(await token(...ana)).toMatchObject({
      code: 1,
      out: '',
      err: 'npm run token: the issuer refused (403): no\n',
    })
  })

  test('when nothing runs it says how to start', async () => {
    rmSync(path.join(dir, 'endpoints.json'))
    const { code, err } = await token(...ana)
    expect(code).toBe(1)
    expect(err).toContain('npm start')
  })

  test.each([
    [['--role', 'boss', '--user', 'a'], 'viewer, operator, admin'],
    [['--user', 'a', '--expires', '2d'], '90s, 15m or 1h'],
    [['--user', 'a', '--expires', '25h'], 'up to 24h'],
    [['--usr', 'a'], '--user'],
  ])('%j is a usage error that says what is allowed', async (args, word) => {
    const { code, err } = await token(...args)
    expect(code).toBe(2)
    expect(err).toContain(word)
    expect(asked).toEqual([])
  })
})
