import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { App } from 'aws-cdk-lib'
import { bundleHandlers } from '../bundle.ts'
import { parseConfig } from '../config.ts'
import { ConfigError } from '../config-values.ts'
import { GaugelineStack } from '../gaugeline-stack.ts'
import { savedContext } from '../saved-context.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Account and region of the CDK CLI when it runs us; without them the template fits any account. */
function environment(): { env?: { account: string; region: string } } {
  const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env
  return account === undefined || region === undefined ? {} : { env: { account, region } }
}

function synthesize(): void {
  const app = new App({
    analyticsReporting: false,
    context: savedContext(root),
    outdir: process.env['CDK_OUTDIR'] ?? `${root}cdk.out`,
  })
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }
  const config = parseConfig((name) => app.node.tryGetContext(name) as unknown)
  new GaugelineStack(app, 'Gaugeline', {
    ...environment(),
    description: 'Gaugeline: real-time telemetry dashboard',
    terminationProtection: config.retainData,
    config,
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
