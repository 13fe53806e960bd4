import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { buildSync } from 'esbuild'
import { parseConfig } from './config.ts'
import { GaugelineStack } from './gaugeline-stack.ts'

export interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
}

export interface Synthesized {
  readonly app: App
  readonly stack: GaugelineStack
  /** Logical id → resource. */
  resources(type: string): Readonly<Record<string, Resource>>
  /** The properties of every resource of a type. */
  properties(type: string): readonly Readonly<Record<string, unknown>>[]
}

/**
 * The stack with small stand-ins for the bundles and the built dashboard, which the template does not depend on. Validated, it throws what the
 * CDK finds against CloudFormation's schemas, which costs ten times as much as the rest.
 */
export function synthesize(
  context: Readonly<Record<string, unknown>> = {},
  { isValidated = false } = {},
): Synthesized {
  const directory = mkdtempSync(join(tmpdir(), 'gaugeline-stack-'))
  process.once('exit', () => {
    rmSync(directory, { recursive: true, force: true })
  })
  const dashboardAssets = join(directory, 'dashboard')
  mkdirSync(dashboardAssets)
  writeFileSync(join(dashboardAssets, 'index.html'), '')
  const app = new App({
    analyticsReporting: false,
    builtinCloudFormationValidation: isValidated,
    outdir: join(directory, 'cdk.out'),
    // Nothing is deployed from here: spare the copies.
    context: {
      dashboardAssets,
      'aws:cdk:disable-asset-staging': true,
      // Without it the CDK only warns of what it finds.
      '@aws-cdk/core:validateAgainstDefaultRules': isValidated,
      ...context,
    },
  })
  const stack = new GaugelineStack(app, 'Gaugeline', {
    config: parseConfig((name) => app.node.tryGetContext(name) as unknown),
    version: '0.0.0',
    bundle(name) {
      const handler = join(directory, name)
      mkdirSync(handler, { recursive: true })
      writeFileSync(join(handler, 'index.mjs'), `// ${name}`)
      return handler
    },
  })
  const template = Template.fromStack(stack)
  const resources = (type: string) => template.findResources(type) as Record<string, Resource>
  return {
    app,
    stack,
    resources,
    properties: (type) => Object.values(resources(type)).map((resource) => resource.Properties),
  }
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Text of every source file that ends up in a handler's bundle. */
export function sourcesOf(service: string): string {
  const { metafile } = buildSync({
    absWorkingDir: root,
    entryPoints: [`backend/src/handlers/${service}.ts`],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    metafile: true,
    logLevel: 'silent',
  })
  return Object.keys(metafile.inputs)
    .filter((file) => !file.endsWith('contract.ts'))
    .map((file) => readFileSync(`${root}${file}`, 'utf8'))
    .join('\n')
}
