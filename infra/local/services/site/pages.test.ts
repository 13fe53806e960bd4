import { describe, expect, it } from 'vitest'
import { developmentHeaders, isDeployedValue } from './pages.ts'

describe('pages from their sources', () => {
  it('add to the policy of the template what hot reload needs, and nothing else', () => {
    const headers = {
      'x-frame-options': 'DENY',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws://api",
    }
    expect(developmentHeaders(headers, '127.0.0.1:8080')).toEqual({
      'x-frame-options': 'DENY',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self' ws://api ws://127.0.0.1:8080",
    })
    expect(developmentHeaders({ a: 'b' }, '127.0.0.1:8080')).toEqual({ a: 'b' })
  })

  it('leave to the deployment what only it knows', () => {
    const file = { content: Buffer.from('{}'), etag: '"1"' }
    const files = new Map([
      ['config.json', { ...file, substituted: true }],
      ['index.html', { ...file, substituted: false }],
    ])
    const site = { bucket: { files } } as unknown as Parameters<typeof isDeployedValue>[0]
    expect(isDeployedValue(site, '/config.json?now')).toBe(true)
    expect(isDeployedValue(site, '/index.html')).toBe(false)
    expect(isDeployedValue(site, '/src/main.ts')).toBe(false)
  })
})
