import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly assertionResults: readonly {
      readonly title: string
      readonly status: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

describe('the conformance suites against a target', () => {
  let runtime: ChildProcess
  let directory: string
  let file: string

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'gaugeline-target-'))
    file = join(directory, 'target.json')
    runtime = spawn(
      process.execPath,
      ['--import', 'tsx', 'test/conformance/fixture/local-main.ts'],
      { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const lines = createInterface({ input: runtime.stdout! })
    writeFileSync(file, await firstLine(lines))
  })
  afterAll(async () => {
    const ended = new Promise((resolve) => runtime.once('close', resolve))
    runtime.kill('SIGTERM')
    await ended
    rmSync(directory, { recursive: true })
  })

  it('pass over HTTP on a runtime in another process, which they know only by its file', () => {
    const report = join(directory, 'report.json')
    spawnSync(
      process.execPath,
      [
        ...['node_modules/vitest/vitest.mjs', 'run', '--project', 'conformance'],
        ...['--reporter=json', `--outputFile=${report}`],
      ],
      { cwd: root, stdio: 'ignore', env: { ...process.env, GAUGELINE_CONFORMANCE: file } },
    )
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
    const tests = testResults.flatMap((suite) =>
      suite.assertionResults.map((test) => ({ ...test, file: relative(root, suite.name) })),
    )
    const failed = tests.filter(({ status }) => status === 'failed')
    expect(failed.map((test) => [test.title, ...test.failureMessages])).toEqual([])
    const passed = tests.filter(({ status }) => status === 'passed')
    const services = passed.map((test) => test.file.split('/')[2])
    expect([...new Set(services)].sort()).toEqual([
      'apigateway',
      'dynamodb',
      'kinesis',
      'lambda',
      'sns',
      'sqs',
    ])
    process.stderr.write(`conformance suites at a target: ${passed.length} passed\n`)
  })
})

function firstLine(lines: ReturnType<typeof createInterface>): Promise<string> {
  return new Promise((resolve, reject) => {
    lines.once('line', resolve)
    lines.once('close', () => {
      reject(new Error('the runtime ended before it was ready'))
    })
  })
}
