import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseConfig } from './config.ts'

const dashboardAssets = mkdtempSync(join(tmpdir(), 'gaugeline-config-'))
writeFileSync(join(dashboardAssets, 'index.html'), '')

const parse = (context: Readonly<Record<string, unknown>>) =>
  parseConfig((name) => ({ dashboardAssets, ...context })[name])

describe('configuration', () => {
  it('needs nothing', () => {
    expect(parse({})).toMatchObject({
      stageName: 'prod',
      retentionHours: 24,
      logRetentionDays: 30,
      retainData: true,
      demandMessages: false,
      ingest: { shards: 1, batchSize: 500, maxRecordAgeSeconds: 21_600, retryAttempts: 50 },
    })
  })

  it('reads text from the command line as what it means (CONFIG-18)', () => {
    expect(parse({ retentionHours: '48', retainData: 'false', shards: '2' })).toMatchObject({
      retentionHours: 48,
      retainData: false,
      ingest: { shards: 2 },
    })
  })

  const elsewhere = {
    issuer: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc',
    clientId: 'client',
  }

  it('takes the users of another stack, whose keys are where Cognito has them', () => {
    const origins = ['https://cognito-idp.eu-west-1.amazonaws.com']
    const jwksUri = `${elsewhere.issuer}/.well-known/jwks.json`
    expect(parse(elsewhere).signIn).toEqual({ ...elsewhere, jwksUri, origins })
    const tokenOrigin = 'https://gaugeline-1.auth.eu-west-1.amazoncognito.com'
    expect(parse({ ...elsewhere, tokenOrigin }).signIn?.origins).toEqual([...origins, tokenOrigin])
    expect(parse({ ...elsewhere, jwksUri: 'https://id.example/keys' }).signIn?.jwksUri).toBe(
      'https://id.example/keys',
    )
  })

  it('takes where the system runs elsewhere', () => {
    const others = parse({
      otherRegions: 'us-east-1=wss://a.example/prod, ap-southeast-2=wss://b.example/prod',
      otherDashboards: 'https://a.example,https://b.example',
    })
    expect(others).toMatchObject({
      otherRegions: [
        { region: 'us-east-1', websocket: 'wss://a.example/prod' },
        { region: 'ap-southeast-2', websocket: 'wss://b.example/prod' },
      ],
      otherDashboards: ['https://a.example', 'https://b.example'],
    })
    expect(parse({})).toMatchObject({ otherRegions: [], otherDashboards: [] })
  })

  it.each([
    ['-', { issuer: elsewhere.issuer }, /clientId undefined is not a client id/],
    ['-', { clientId: 'client' }, /issuer undefined is not an address/],
    ['-', { ...elsewhere, clientId: 'two words' }, /clientId "two words"/],
    ['-', { ...elsewhere, issuer: 'http://id.example' }, /issuer "http:.* https:/],
    ['-', { ...elsewhere, issuer: `${elsewhere.issuer}/` }, /without a slash at the end/],
    ['-', { jwksUri: 'https://id.example/keys' }, /without issuer and clientId/],
    [
      '-',
      { ...elsewhere, tokenOrigin: 'https://id.example/oauth2' },
      /write https:\/\/id.example\./,
    ],
    ['-', { otherRegions: 'wss://a.example/prod' }, /does not begin with a region/],
    ['-', { otherRegions: 'us-east-1=https://a.example/prod' }, /otherRegions "https:.* wss:/],
    [
      '-',
      { otherRegions: 'us-east-1=wss://a.example,us-east-1=wss://b.example' },
      /us-east-1 twice/,
    ],
    ['-', { otherRegions: ['us-east-1'] }, /is not text/],
    ['-', { otherDashboards: 'https://a.example/fleet' }, /write https:\/\/a.example\./],
    ['-', { monthlyBudgetUsd: 50 }, /nobody would be told/],
    ['-', { monthlyBudgetUsd: 0, alarmEmail: 'a@example.com' }, /monthlyBudgetUsd 0/],
    ['CONFIG-1', { stageName: 'my stage' }, /stageName "my stage" is not a stage name/],
    ['CONFIG-1', { stageName: '$default' }, /stageName/],
    ['CONFIG-1', { stageName: 'x'.repeat(129) }, /stageName/],
    ['CONFIG-4', { retentionHours: 0 }, /retentionHours 0 is out of range/],
    ['CONFIG-4', { retentionHours: 366 * 24 }, /retentionHours/],
    ['CONFIG-4', { logRetentionDays: 'infinite' }, /logRetentionDays "infinite"/],
    ['CONFIG-4', { logRetentionDays: 31 }, /logRetentionDays 31 is not offered/],
    ['CONFIG-7', { batchSize: 0 }, /batchSize 0 .* 1 to 10000/],
    ['CONFIG-7', { batchSize: 10_001 }, /batchSize/],
    ['CONFIG-7', { parallelization: 11 }, /parallelization/],
    ['CONFIG-7', { maxRecordAgeSeconds: 59 }, /maxRecordAgeSeconds 59 .* 60 to/],
    ['CONFIG-7', { retryAttempts: -1 }, /retryAttempts -1/],
    ['CONFIG-7', { retryAttempts: 1.5 }, /retryAttempts 1.5/],
    ['CONFIG-12', { throttleRate: 0 }, /throttleRate 0/],
    ['CONFIG-12', { throttleRate: 10_001 }, /throttleRate 10001/],
    ['CONFIG-12', { throttleRate: 10, throttleBurst: 51 }, /throttleBurst 51 is more than/],
    ['CONFIG-15', { alarmEmail: '' }, /alarms would notify nobody/],
    ['CONFIG-15', { alarmEmail: 'me' }, /alarms would notify nobody/],
    ['CONFIG-18', { retainData: 'no' }, /retainData "no" is neither true nor false/],
    ['CONFIG-18', { shards: true }, /shards true/],
    ['-', { signInDomainPrefix: 'my-aws-thing' }, /signInDomainPrefix .* without "aws"/],
    ['-', { dashboardAssets: '/nowhere' }, /npm run build -w dashboard/],
  ])('%s: %j is refused at synth with a sentence', (_row, context, sentence) => {
    expect(() => parse(context)).toThrow(sentence)
  })
})
