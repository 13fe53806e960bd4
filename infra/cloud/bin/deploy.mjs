#!/usr/bin/env node
// The door of `npm run deploy`: builds the dashboard, then `cdk deploy` with whatever follows, for example `-c alarmEmail=me@example.com`.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')

/** Where the AWS tools look for credentials; the CDK itself checks whether they are good. */
const CREDENTIAL_VARIABLES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_PROFILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
]
const CREDENTIAL_FILES = ['.aws/credentials', '.aws/config']

/** Why not to deploy, as one line for a person; undefined when there is no reason. */
function refusal(options) {
  const found =
    CREDENTIAL_VARIABLES.some((name) => process.env[name]) ||
    CREDENTIAL_FILES.some((file) => existsSync(path.join(homedir(), file)))
  if (!found)
    return 'No AWS credentials found. Sign in first (aws sso login, or aws configure), or set AWS_PROFILE; docs/deploy.md has the steps. Nothing was deployed.'
  if (/127\.0\.0\.1|localhost/.test(process.env.AWS_ENDPOINT_URL ?? ''))
    return 'AWS_ENDPOINT_URL points to this machine. Unset it to deploy to AWS. Nothing was deployed.'
  const told = options.some((option) => option.startsWith('alarmEmail='))
  if (!told && !options.includes('--without-alarm-email'))
    return 'Alarms would notify nobody. Give -c alarmEmail=name@example.com, or --without-alarm-email. Nothing was deployed.'
  return undefined
}

/** Runs a program in the foreground; ends this process when it fails, after `hint`. */
function run(program, options, hint) {
  const { status } = spawnSync(process.execPath, [program, ...options], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, CDK_DISABLE_CLI_TELEMETRY: 'true' },
  })
  if (status === 0) return
  if (hint) console.error(hint)
  process.exit(status ?? 1)
}

const options = process.argv.slice(2)
const reason = refusal(options)
if (reason) {
  console.error(reason)
  process.exit(2)
}
run('node_modules/vite/bin/vite.js', ['build', 'dashboard', '--logLevel', 'warn'])
run(
  'node_modules/aws-cdk/bin/cdk',
  [
    'deploy',
    ...options.filter((option) => option !== '--without-alarm-email'),
    '--app',
    'node --import tsx infra/cloud/bin/gaugeline.ts',
    '--no-notices',
  ],
  'The deployment did not finish; the reason is above. If it says "bootstrap" or "/cdk-bootstrap/": run npx cdk bootstrap once for this account and region. docs/deploy.md has the steps.',
)
