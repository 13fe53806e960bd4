import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { App } from 'aws-cdk-lib'
import { bundleHandlers } from '../bundle.ts'
import { parseConfig } from '../config.ts'
import { ConfigError } from '../config-values.ts'
import { GaugelineStack } from '../gaugeline-stack.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Account and region of the CDK CLI when it runs us; without them the template fits any account. */
function environment(): { env?: { account: string; region: string } } {
  const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env
  return account === undefined || region === undefined ? {} : { env: { account, region } }
}

/** The settings of `cdk.json`, for when it is not the CDK CLI that runs us; the CLI's own, from the command line too, go before them. */
function savedContext(): Record<string, unknown> {
  const file = `${root}cdk.json`
  if (!existsSync(file)) return {}
  return (
    (JSON.parse(readFileSync(file, 'utf8')) as { context?: Record<string, unknown> }).context ?? {}
  )
}

function synthesize(): void {
  const app = new App({
    analyticsReporting: false,
    context: savedContext(),
    outdir: process.env['CDK_OUTDIR'] ?? `${root}cdk.out`,
  })
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }
  new GaugelineStack(app, 'Gaugeline', {
    ...environment(),
    description: 'Gaugeline: real-time telemetry dashboard',
    config: parseConfig((name) => app.node.tryGetContext(name) as unknown),
    bundle: bundleHandlers(),
    version,
  })
  app.synth()
}

try {
  synthesize()
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
