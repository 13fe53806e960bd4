import { readCloudAssembly } from './cloud-assembly.ts'
import type { Composition, Ports } from './composition.ts'
import { compose } from './composition.ts'
import { FAULTS_PATH, faultEndpoint } from './fault-endpoint.ts'
import { byLogicalName } from './logical-names.ts'
import { systemClock } from './platform/clock.ts'
import type { FaultControl } from './platform/faults.ts'
import type { HostMap } from './platform/host-map.ts'
import { createHostMap } from './platform/host-map.ts'
import { StartError } from './platform/errors.ts'
import type { Clock, Service } from './platform/types.ts'
import type { StartPages } from './services/site/pages.ts'
import type { Endpoints } from './start/endpoints.ts'
import { cloudFormationApi } from './template/cloudformation-api.ts'
import { createAssets, createStack } from './stack.ts'
import type { Deployed } from './template/deploy.ts'
import type { Template } from './template/template.ts'
import { isRecord } from './template/template.ts'

export interface SystemOptions {
  /** The directory `cdk.out` that npm run synth fills. */
  readonly cdkOut: string
  /** Port 0 everywhere when absent. */
  readonly ports?: Partial<Ports>
  readonly clock?: Clock
  /** Keeps tables, streams, queues and positions there; absent = in memory. */
  readonly dataDir?: string | undefined
  /** Serves the dashboard from its sources, for live reload; absent = as it was deployed. */
  readonly startPages?: StartPages | undefined
  /** Tells the person at the terminal something while it runs, in one line. Nobody is told when absent. */
  readonly tell?: (line: string) => void
  /** Of one function at once; 10 when absent. */
  readonly maxEnvironments?: number
  /** Whoever has it may mint tokens at `POST {issuer}/local/token`. */
  readonly localKey: string
  /** Changes the template before it is deployed: for tests that take something away. */
  readonly edit?: (template: Template) => Template
  /** Starts the functions behind the sockets ahead of the first person, in the background. */
  readonly warm?: boolean
}

/** A whole running Gaugeline in this process. */
export interface System {
  readonly endpoints: Endpoints
  /** As it was when the system started. */
  readonly deployed: Deployed
  /** Takes over what `cdkOut` holds now. One line per resource that changed. Throws StartError when something cannot change in place. */
  redeploy(): Promise<readonly string[]>
  /** Runs the functions of this service name (their `POWERTOOLS_SERVICE_NAME`) from another directory with `index.mjs`, from the next event on. */
  replaceCode(service: string, directory: string): Promise<void>
  readonly faults: FaultControl
  readonly services: Composition
  /** Calls back with each new log line of a function, by logical name; the answer ends it. Throws StartError `USAGE` for an unknown one. */
  followLogs(functionName: string, onLine: (line: string) => void): () => void
  /** In reverse order; leaves no port and no thread behind. */
  stop(): Promise<void>
}

/** Logical name → physical id of every resource of a type. */
type Names = (type: string) => Readonly<Record<string, string>>

const REGION = 'eu-west-1'
const ACCOUNT_ID = '000000000000'

async function stopAll(services: readonly Service[]): Promise<void> {
  const failures: unknown[] = []
  for (const service of services.toReversed()) {
    await service.stop().catch((error: unknown) => failures.push(error))
  }
  if (failures.length > 0) throw new AggregateError(failures, 'some services did not stop cleanly')
}

function attributeOf(deployed: Deployed, type: string, attribute: string): string {
  const value = deployed.byType(type)[0]?.attributes[attribute]
  return typeof value === 'string' ? value : ''
}

/** The stack's own user pool, or the issuer that its functions are told of. */
function signInOf(deployed: Deployed, hosts: HostMap): Pick<Endpoints, 'issuer' | 'jwks'> {
  const pool = hosts.rewrite(attributeOf(deployed, 'AWS::Cognito::UserPool', 'ProviderURL'))
  if (pool !== '') return { issuer: pool, jwks: `${pool}/jwks` }
  for (const { properties } of deployed.byType('AWS::Lambda::Function')) {
    const environment = properties['Environment']
    const variables = isRecord(environment) ? environment['Variables'] : undefined
    if (!isRecord(variables) || typeof variables['ISSUER'] !== 'string') continue
    return { issuer: variables['ISSUER'], jwks: String(variables['JWKS_URI']) }
  }
  return { issuer: '', jwks: '' }
}

function endpointsOf(
  deployed: Deployed,
  parts: Composition,
  { hosts, names }: { readonly hosts: HostMap; readonly names: Names },
): Endpoints {
  const local = (type: string, attribute: string): string =>
    hosts.rewrite(attributeOf(deployed, type, attribute))
  const stage = deployed.byType('AWS::ApiGatewayV2::Stage')[0]?.physicalId ?? ''
  const websocket = `${local('AWS::ApiGatewayV2::Api', 'ApiEndpoint')}/${stage}`
  const signIn = signInOf(deployed, hosts)
  const { account } = deployed
  return {
    dashboard: parts.site.url,
    websocket,
    management: websocket.replace(/^ws/, 'http'),
    mqtt: `mqtt://127.0.0.1:${parts.iot.mqttPort()}`,
    iotData: parts.endpoint.url,
    aws: parts.endpoint.url,
    ...signIn,
    region: account.region,
    account: account.accountId,
    stackName: account.stackName,
    tables: names('AWS::DynamoDB::Table'),
    functions: names('AWS::Lambda::Function'),
  }
}

/**
 * One after the other, so that a machine with few cores still answers in the meantime. A function that cannot start says so at its
 * first event, as in AWS.
 */
async function warmSocketFunctions(
  deployed: Deployed,
  lambda: Composition['lambda'],
): Promise<void> {
  const names = deployed
    .byType('AWS::Lambda::Permission')
    .filter(({ properties }) => properties['Principal'] === 'apigateway.amazonaws.com')
    .map(({ properties }) => String(properties['FunctionName']))
  for (const name of new Set(names)) await lambda.warm([name]).catch(() => undefined)
}

/** The group a function logs to: its own, or the one that Lambda makes for it. */
function logGroupOf(
  deployed: Deployed,
  names: Endpoints['functions'],
  logicalName: string,
): string {
  const functions = deployed.byType('AWS::Lambda::Function')
  const physicalId = names[logicalName] ?? logicalName
  const found = functions.find((resource) => resource.physicalId === physicalId)
  if (!found) {
    throw new StartError(
      'USAGE',
      `--logs ${logicalName}: there is no such function; there are ${Object.keys(names).sort().join(', ')}`,
    )
  }
  const config = found.properties['LoggingConfig']
  const group = isRecord(config) ? config['LogGroup'] : undefined
  return typeof group === 'string' ? group : `/aws/lambda/${physicalId}`
}

/**
 * Starts every service, deploys the template of `cdkOut` on them and tells where everything is. On failure nothing is left behind.
 * Throws StartError for everything a person can do something about.
 */
export async function startSystem(options: SystemOptions): Promise<System> {
  const assembly = await readCloudAssembly(options.cdkOut)
  const template = options.edit?.(assembly.template) ?? assembly.template
  const account = { region: REGION, accountId: ACCOUNT_ID, stackName: assembly.stackName }
  const clock = options.clock ?? systemClock()
  const hosts = createHostMap()
  const assets = createAssets(assembly.assetPath)
  const parts = compose({
    account,
    clock,
    hosts,
    assetPath: assets.path,
    ports: { dashboard: 0, mqtt: 0, aws: 0, gateway: 0, issuer: 0, ...options.ports },
    localKey: options.localKey,
    dataDir: options.dataDir,
    startPages: options.startPages,
    tell: options.tell ?? (() => undefined),
    maxEnvironments: options.maxEnvironments ?? 10,
  })
  const stack = createStack({ cdkOut: options.cdkOut, account, template, assets })
  const createdAt = new Date(clock.now()).toISOString()
  parts.endpoint.mount(
    cloudFormationApi(() =>
      stack.isDeployed()
        ? { deployed: stack.deployed(), template: stack.template(), createdAt }
        : undefined,
    ),
  )
  parts.endpoint.mountLocal(FAULTS_PATH, faultEndpoint(parts.faults))
  const started: Service[] = []
  try {
    for (const service of parts.services) {
      started.push(service)
      await service.start()
    }
    hosts.add(`sqs.${REGION}.amazonaws.com`, new URL(parts.endpoint.url).host)
    const providers = parts.services.flatMap((service) =>
      'providers' in service ? service.providers : [],
    )
    await stack.deploy({ providers, hosts })
  } catch (error) {
    await stopAll(started).catch(() => undefined)
    throw error
  }
  const running = stack.deployed()
  const names: Names = (type) => byLogicalName(running.byType(type), assembly.constructPath)
  if (options.warm === true) void warmSocketFunctions(running, parts.lambda)
  const endpoints = endpointsOf(running, parts, { hosts, names })
  return {
    deployed: running,
    redeploy: () => stack.redeploy(),
    replaceCode: (service, directory) => stack.replaceCode(service, directory),
    faults: parts.faults,
    services: parts,
    endpoints,
    followLogs: (functionName, onLine) =>
      parts.logs.follow(logGroupOf(running, endpoints.functions, functionName), (event) => {
        onLine(event.message.trimEnd())
      }),
    stop: () => stopAll(started),
  }
}
