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

  it('reads text from the command line as what it means (K18)', () => {
    expect(parse({ retentionHours: '48', retainData: 'false', shards: '2' })).toMatchObject({
      retentionHours: 48,
      retainData: false,
      ingest: { shards: 2 },
    })
  })

  it.each([
    ['K01', { stageName: 'my stage' }, /stageName "my stage" is not a stage name/],
    ['K01', { stageName: '$default' }, /stageName/],
    ['K01', { stageName: 'x'.repeat(129) }, /stageName/],
    ['K04', { retentionHours: 0 }, /retentionHours 0 is out of range/],
    ['K04', { retentionHours: 366 * 24 }, /retentionHours/],
    ['K04', { logRetentionDays: 'infinite' }, /logRetentionDays "infinite"/],
    ['K04', { logRetentionDays: 31 }, /logRetentionDays 31 is not offered/],
    ['K07', { batchSize: 0 }, /batchSize 0 .* 1 to 10000/],
    ['K07', { batchSize: 10_001 }, /batchSize/],
    ['K07', { parallelization: 11 }, /parallelization/],
    ['K07', { maxRecordAgeSeconds: 59 }, /maxRecordAgeSeconds 59 .* 60 to/],
    ['K07', { retryAttempts: -1 }, /retryAttempts -1/],
    ['K07', { retryAttempts: 1.5 }, /retryAttempts 1.5/],
    ['K12', { throttleRate: 0 }, /throttleRate 0/],
    ['K12', { throttleRate: 10_001 }, /throttleRate 10001/],
    ['K12', { throttleRate: 10, throttleBurst: 51 }, /throttleBurst 51 is more than/],
    ['K15', { alarmEmail: '' }, /alarms would notify nobody/],
    ['K15', { alarmEmail: 'me' }, /alarms would notify nobody/],
    ['K18', { retainData: 'no' }, /retainData "no" is neither true nor false/],
    ['K18', { shards: true }, /shards true/],
    ['-', { signInDomainPrefix: 'my-aws-thing' }, /signInDomainPrefix .* without "aws"/],
    ['-', { dashboardAssets: '/nowhere' }, /npm run build -w dashboard/],
  ])('%s: %j is refused at synth with a sentence', (_row, context, sentence) => {
    expect(() => parse(context)).toThrow(sentence)
  })
})
