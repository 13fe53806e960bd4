import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { seams, type Seam } from '../../infra/local/platform/seams.ts'
import { bench, families, useSeamBench } from './seam-kit.ts'

useSeamBench()

describe('the table of seams', () => {
  it('has each seam in one of the families that show it', () => {
    expect(Object.values(families).flat().sort()).toEqual(Object.keys(seams).sort())
  })

  it('names the operations and services that there are', async () => {
    const ask = async (service: string, target: string): Promise<string[]> => {
      const scope = `test/20260101/eu-west-1/${service}/aws4_request`
      const response = await fetch(bench.aws.endpoint, {
        method: 'POST',
        headers: {
          authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-date': '20260101T000000Z',
          'x-amz-target': target,
        },
        body: '{}',
      })
      const list = /emulated: ([\w, ]+)/.exec((await response.text()).replace(/.*emulated on/, ''))
      return (list?.[1] ?? '').split(', ')
    }
    expect(await ask('dynamodb', 'DynamoDB_20120810.Nothing')).toEqual(
      [...seams['dynamodb.{Operation}'].members].sort(),
    )
    expect((await ask('sqs', 'AmazonSQS.Nothing')).filter((name) => name !== 'ListQueues')).toEqual(
      [...seams['sqs.{Operation}'].members].sort(),
    )
    expect(await ask('nothing', 'Nothing')).toEqual([...seams['api.{service}'].members].sort())
  })

  it('is the one in docs/local.md', () => {
    const page = readFileSync(new URL('../../docs/local.md', import.meta.url), 'utf8')
    const shown = Object.entries<Seam>(seams).map(([name, { target, kinds }]) => {
      const what = Object.entries(kinds).map(([kind, meaning]) => `\`${kind}\`: ${meaning}`)
      return `| \`${name}\` | ${target} | ${what.join('<br>')} |`
    })
    const table = ['| seam | target | what it can do |', '|---|---|---|', ...shown]
    expect(page).toContain(`\n${table.join('\n')}\n`)
  })
})
