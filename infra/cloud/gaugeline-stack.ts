import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { AlarmEvents } from './alarm-events.ts'
import { addBudget } from './budget.ts'
import type { Bundle } from './bundle.ts'
import type { Config } from './config.ts'
import { declaredMetrics } from './declared-metrics.ts'
import { Delivery } from './delivery.ts'
import { ExpiryQueue } from './expiry-queue.ts'
import type { Foundation } from './foundation.ts'
import { externalIssuer, Identity } from './identity.ts'
import { Ingest } from './ingest.ts'
import { OperationsDashboard } from './monitoring/dashboard.ts'
import { Notifications } from './monitoring/notifications.ts'
import { SilenceAlarms } from './silence-alarms.ts'
import { Site } from './site.ts'
import { Redrive, undeliverableQueue } from './redrive.ts'
import { RouteFunctions } from './socket-api/route-functions.ts'
import { SocketApi } from './socket-api/socket-api.ts'
import { Sweeping } from './sweeping.ts'
import { addTableAlarms } from './table-alarms.ts'
import { Tables } from './tables.ts'

export interface GaugelineStackProps extends StackProps {
  readonly config: Config
  readonly bundle: Bundle
  /** Shown on the dashboard. */
  readonly version: string
}

/** The whole system; this file only wires. */
export class GaugelineStack extends Stack {
  constructor(scope: Construct, id: string, props: GaugelineStackProps) {
    super(scope, id, props)
    const { config, bundle, version } = props
    const foundation: Foundation = {
      config,
      bundle,
      tables: new Tables(this, 'Tables', config),
      notifications: new Notifications(this, 'Notifications', config),
      disposable: RemovalPolicy.DESTROY,
    }
    addTableAlarms(foundation)
    const api = new SocketApi(this, 'SocketApi', foundation)
    const domainPrefix = config.signInDomainPrefix ?? `gaugeline-${this.account}`
    const tokenOrigin = `https://${domainPrefix}.auth.${this.region}.amazoncognito.com`
    const site = new Site(this, 'Site', {
      foundation,
      connectOrigins: [
        api.websocketOrigin,
        ...(config.signIn?.origins ?? [
          `https://cognito-idp.${this.region}.${this.urlSuffix}`,
          tokenOrigin,
        ]),
        ...config.otherRegions.map(({ websocket }) => new URL(websocket).origin),
      ],
    })
    const dashboardOrigins = [site.origin, ...config.otherDashboards]
    const identity = config.signIn
      ? externalIssuer(config.signIn)
      : new Identity(this, 'Identity', { foundation, dashboardOrigins, domainPrefix })
    const undeliverable = undeliverableQueue(this, foundation)
    const ingest = new Ingest(this, 'Ingest', { foundation, undeliverable })
    const expiryQueue = new ExpiryQueue(this, 'Expiry', foundation)
    const routes = new RouteFunctions(this, 'Routes', {
      foundation,
      api,
      issuer: identity,
      expiryQueue,
      allowedOrigins: dashboardOrigins,
    })
    const delivery = new Delivery(this, 'Delivery', { foundation, ingest, api, undeliverable })
    const { redrive } = new Redrive(this, 'Redrive', { foundation, ingest, delivery })
    new AlarmEvents(this, 'AlarmEvents', { foundation, api })
    const sweeping = new Sweeping(this, 'Sweeping', { foundation, api, expiryQueue })
    const page = site.deployPage(foundation, {
      websocket: api.websocketUrl,
      ...(config.otherRegions.length > 0 && { otherRegions: config.otherRegions }),
      metrics: declaredMetrics,
      issuer: identity.issuer,
      clientId: identity.clientId,
      region: this.region,
      version,
    })
    new SilenceAlarms(this, 'Silence', {
      foundation,
      stream: ingest.stream,
      deliver: delivery.deliver,
      sweeper: sweeping.sweeper,
      after: [page, sweeping],
    })
    new OperationsDashboard(this, 'Operations', {
      notifications: foundation.notifications,
      deliver: delivery.deliver,
      sweeper: sweeping.sweeper,
      redrive,
      routes,
    })
    addBudget(this, config)
    this.#output({
      Dashboard: site.origin,
      WebSocket: api.websocketUrl,
      Issuer: identity.issuer,
      ClientId: identity.clientId,
      ...(config.signIn ? {} : { TokenOrigin: tokenOrigin }),
      ...(identity instanceof Identity ? { UserPoolId: identity.userPoolId } : {}),
      DevicePolicy: ingest.devicePolicyName,
    })
  }

  #output(values: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(values)) new CfnOutput(this, name, { value })
  }
}
