import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mintToken, ProtocolClient } from '../support/client.ts'
import { sharedSystem, type SharedSystem } from '../support/shared-system.ts'
import { waitFor } from '../support/wait.ts'

const TIMEOUT_MS = 300_000
const hasCli = isThere('aws', ['--version'])
const hasBoto3 = isThere('python3', ['-c', 'import boto3'])
if (!hasCli) process.stderr.write('no AWS CLI (aws) on this machine: its commands are not tried\n')
if (!hasBoto3) process.stderr.write('no boto3 for python3 on this machine: it is not tried\n')

function isThere(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

/** The shell block of docs/local.md below a heading. */
function shellBlock(heading: string): string {
  const page = readFileSync(fileURLToPath(new URL('../../docs/local.md', import.meta.url)), 'utf8')
  const block = /```sh\n([^]*?)```/.exec(page.slice(page.indexOf(`## ${heading}`)))?.[1]
  if (block === undefined) throw new Error(`docs/local.md has no commands below ${heading}`)
  return block
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Not spawnSync: the sockets of this process go on meanwhile. */
function execute(command: string, args: readonly string[]): Promise<Ended> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      resolve({ code, stdout, stderr })
    })
  })
}

describe.skipIf(!hasCli && !hasBoto3)('clients that are not ours', () => {
  let system: SharedSystem
  let client: ProtocolClient
  let connectionId: string

  beforeAll(async () => {
    system = await sharedSystem()
    const token = await mintToken(system.stateDir, {
      user: 'ana',
      role: 'operator',
      devices: 'plant-1/#',
    })
    client = await ProtocolClient.connect(system.endpoints.websocket, token)
    ;({ connectionId } = await client.request({ action: 'hello' }, 'welcome'))
  })
  afterAll(async () => {
    client.socket.terminate()
  })

  it.skipIf(!hasBoto3)(
    'boto3 reads every service, pushes to a socket and is told what is not emulated',
    async () => {
      const script = fileURLToPath(new URL('./fixtures/boto3-client.py', import.meta.url))
      const frames: string[] = []
      client.socket.on('message', (data: Buffer) => void frames.push(data.toString()))
      const file = join(system.stateDir, 'endpoints.json')
      const { stdout, stderr } = await execute('python3', [script, file, connectionId])
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toMatchObject({
        sourceIp: '127.0.0.1',
        gone: 410,
        refused: expect.stringContaining('dynamodb:DescribeLimits is not emulated') as string,
        table: 'ACTIVE',
        streams: [expect.any(String)],
        stack: 'CREATE_COMPLETE',
      })
      await waitFor(() => frames.includes('{"type":"from-python"}'), 'the push from Python')
    },
    TIMEOUT_MS,
  )

  it.skipIf(!hasCli)(
    'every command that docs/local.md gives for the AWS CLI works as it stands there',
    async () => {
      const [setUp = '', commands = ''] = shellBlock('With the AWS CLI and SDKs').split('\n\n')
      const prelude = setUp.replaceAll('.gaugeline/', `${system.stateDir}/`)
      const cli = (command: string): Promise<Ended> =>
        // Through a pipe: what Node gives a child as its output cannot be opened as /dev/stdout.
        execute('bash', ['-c', `set -o pipefail\n${prelude}\n{ ${command}\n} | cat`])
      const names: Record<string, string> = {}
      for (const line of commands.trim().split('\n')) {
        const command = filledIn(line, names)
        const ended = await cli(command)
        expect([command, ended.code, ended.stderr]).toEqual([command, 0, ''])
        if (command.includes('describe-stack-resources')) {
          for (const row of ended.stdout.trim().split('\n')) {
            const [logicalId = '', physicalId = ''] = row.split('\t')
            names[logicalId] = physicalId
          }
        }
      }
      await waitFor(() => client.closed, 'delete-connection to close the socket')
    },
    TIMEOUT_MS,
  )

  function filledIn(command: string, names: Readonly<Record<string, string>>): string {
    const find = (beginning: string): string =>
      Object.entries(names).find(([logicalId]) => logicalId.startsWith(beginning))?.[1] ?? 'NAME'
    const service = command.split(' ')[1] ?? ''
    const name: Readonly<Record<string, string>> = {
      lambda: find('SweepingSweeperFunction'),
      kinesis: find('IngestStream'),
      logs: find('SweepingSweeperLogs'),
    }
    return command
      .replace(/ NAME\b/, ` ${name[service] ?? 'NAME'}`)
      .replace(/--connection-id ID/, `--connection-id ${connectionId}`)
  }
})
