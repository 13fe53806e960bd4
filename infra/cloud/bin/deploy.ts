import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { deployRegions, type Outputs } from '../deploy-regions.ts'
import { isSomebodyTold, savedContext } from '../saved-context.ts'

/**
 * `npm run deploy`: builds the dashboard, then `cdk deploy` with whatever follows, for example `-c alarmEmail=me@example.com`.
 * `--regions eu-west-1,us-east-1`: in each of these regions, the first with the users of all.
 */
const root = fileURLToPath(new URL('../../..', import.meta.url))
const STACK = 'Gaugeline'

/** Ends this process with one line for a person. */
function refuse(sentence: string): never {
  console.error(`${sentence} Nothing was deployed.`)
  process.exit(2)
}

/** Wherever the AWS tools look, an instance's or a container's role too; the CDK itself checks whether they are good. */
async function hasCredentials(): Promise<boolean> {
  const client = new CloudFormationClient({ region: 'us-east-1' })
  try {
    await client.config.credentials()
    return true
  } catch {
    return false
  } finally {
    client.destroy()
  }
}

async function checkAccess(options: readonly string[]): Promise<void> {
  if (/127\.0\.0\.1|localhost/.test(process.env['AWS_ENDPOINT_URL'] ?? ''))
    refuse('AWS_ENDPOINT_URL points to this machine. Unset it to deploy to AWS.')
  if (!isSomebodyTold(options, savedContext(root)))
    refuse(
      'Alarms would notify nobody. Give -c alarmEmail=name@example.com, set it in cdk.json, or say --without-alarm-email.',
    )
  if (!(await hasCredentials()))
    refuse(
      'No AWS credentials found. Sign in first (aws sso login, or aws configure), or set AWS_PROFILE; docs/deploy.md has the steps.',
    )
}

/** Takes `--regions a,b` out of the options; undefined without it. */
function takeRegions(options: string[]): readonly string[] | undefined {
  const at = options.findIndex((option) => /^--regions(?:=|$)/.test(option))
  if (at < 0) return undefined
  const [flag = ''] = options.splice(at, 1)
  const text = flag.includes('=') ? flag.slice(flag.indexOf('=') + 1) : options.splice(at, 1)[0]
  const regions = (text ?? '').split(',')
  if (regions.every((region) => /^[a-z]{2}(?:-[a-z]+)+-\d$/.test(region))) return regions
  refuse(`--regions ${JSON.stringify(text ?? '')} is not a list of regions: eu-west-1,us-east-1.`)
}

/** Runs a program in the foreground; ends this process when it fails, after `hint`. */
function run(
  program: string,
  options: readonly string[],
  more: { region?: string; hint?: string },
): void {
  const { status } = spawnSync(process.execPath, [program, ...options], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      ...(more.region !== undefined && { AWS_REGION: more.region }),
    },
  })
  if (status === 0) return
  if (more.hint !== undefined) console.error(more.hint)
  process.exit(status ?? 1)
}

/** `cdk deploy` in a region (that of the environment when absent); gives the stack's outputs. */
function deploy(options: readonly string[], context: Outputs, region?: string): Outputs {
  const directory = mkdtempSync(path.join(tmpdir(), 'gaugeline-deploy-'))
  // At the end of the process too: a failed deployment ends it.
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const file = path.join(directory, 'outputs.json')
  run(
    'node_modules/aws-cdk/bin/cdk',
    [
      'deploy',
      ...options,
      ...Object.entries(context).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      '--app',
      'node --import tsx infra/cloud/bin/gaugeline.ts',
      '--no-notices',
      '--outputs-file',
      file,
    ],
    {
      ...(region !== undefined && { region }),
      hint: `The deployment${region === undefined ? '' : ` in ${region}`} did not finish; the reason is above. If it says "bootstrap" or "/cdk-bootstrap/": run npx cdk bootstrap once for this account and region. docs/deploy.md has the steps.`,
    },
  )
  const stacks = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Outputs>
  return stacks[STACK] ?? {}
}

/** The outputs of the stack that is in a region; undefined when there is none. */
async function outputsOf(region: string): Promise<Outputs | undefined> {
  const client = new CloudFormationClient({ region })
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: STACK }))
    const outputs = Stacks[0]?.Outputs ?? []
    return Object.fromEntries(
      outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
    )
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    if (reason.includes('does not exist')) return undefined
    throw new Error(`Whether there is a stack in ${region} cannot be found out: ${reason}`, {
      cause: error,
    })
  } finally {
    client.destroy()
  }
}

const options = process.argv.slice(2)
const regions = takeRegions(options)
await checkAccess(options)
const passed = options.filter((option) => option !== '--without-alarm-email')
run('node_modules/vite/bin/vite.js', ['build', 'dashboard', '--logLevel', 'warn'], {})
if (regions === undefined) {
  deploy(passed, {})
} else {
  try {
    await deployRegions(regions, {
      outputsOf,
      deploy: (region, context) => Promise.resolve(deploy(passed, context, region)),
    })
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}
