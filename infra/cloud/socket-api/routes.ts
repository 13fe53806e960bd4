import { createHash } from 'node:crypto'
import { type CfnResource, Stack } from 'aws-cdk-lib'
import {
  CfnAuthorizer,
  CfnDeployment,
  CfnIntegration,
  CfnRoute,
  CfnRouteResponse,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { CfnPermission } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { ServiceFunction } from '../service-function.ts'
import type { SocketApi } from './socket-api.ts'

/** Which function answers which route keys. */
export interface RouteGroup {
  readonly target: ServiceFunction
  readonly routeKeys: readonly string[]
}

/** API Gateway waits this long for an answer (APIGW-94); a slow route is an error the client can retry. */
const INTEGRATION_TIMEOUT_MS = 10_000

export interface RoutesProps {
  readonly api: SocketApi
  readonly authorizer: ServiceFunction
  readonly groups: readonly RouteGroup[]
}

type Make<Props> = new (scope: Construct, id: string, props: Props) => CfnResource

/**
 * Routes of the WebSocket API: one integration per function, one invocation permission per route, the authorizer on `$connect`
 * (only there can one be, APIGW-53), and an answer on every message route without a post (APIGW-75).
 */
export class Routes extends Construct {
  readonly #api: SocketApi
  /** What a deployment freezes, and the properties that it was made of. */
  readonly #parts: { readonly resource: CfnResource; readonly props: unknown }[] = []

  constructor(scope: Construct, id: string, { api, authorizer, groups }: RoutesProps) {
    super(scope, id)
    this.#api = api
    const authorizerId = this.#addAuthorizer(authorizer)
    for (const { target, routeKeys } of groups) {
      const integration = this.#add(CfnIntegration, `${target.node.id}Integration`, {
        apiId: api.apiId,
        integrationType: 'AWS_PROXY',
        integrationMethod: 'POST',
        integrationUri: this.#invocationUri(target),
        timeoutInMillis: INTEGRATION_TIMEOUT_MS,
      })
      for (const routeKey of routeKeys)
        this.#addRoute(routeKey, { target, integrationId: integration.ref, authorizerId })
    }
    api.serve(this.#deployment())
  }

  #add<Props>(Resource: Make<Props>, id: string, props: Props): CfnResource {
    const resource = new Resource(this, id, props)
    this.#parts.push({ resource, props })
    return resource
  }

  /**
   * One deployment after all parts. A stage that deploys by itself does so at each of them, and parts made side by side end in a ConflictException
   * (bref #868). A deployment cannot change: other parts have another name.
   */
  #deployment(): CfnDeployment {
    const parts = JSON.stringify(Stack.of(this).resolve(this.#parts.map(({ props }) => props)))
    const hash = createHash('sha256').update(parts).digest('hex').slice(0, 8)
    const deployment = new CfnDeployment(this, `Deployment${hash}`, { apiId: this.#api.apiId })
    for (const { resource } of this.#parts) deployment.addResourceDependency(resource)
    return deployment
  }

  #addAuthorizer(authorizer: ServiceFunction): string {
    const resource = this.#add(CfnAuthorizer, 'Authorizer', {
      apiId: this.#api.apiId,
      name: 'token',
      authorizerType: 'REQUEST',
      authorizerUri: this.#invocationUri(authorizer),
      // Browsers can set no other header, and a token in the URL would be logged.
      identitySource: ['route.request.header.Sec-WebSocket-Protocol'],
    })
    this.#permit('AuthorizerPermission', authorizer, `authorizers/${resource.ref}`)
    return resource.ref
  }

  #addRoute(
    routeKey: string,
    wiring: {
      readonly target: ServiceFunction
      readonly integrationId: string
      readonly authorizerId: string
    },
  ): void {
    const name = routeName(routeKey)
    const connects = routeKey === '$connect'
    const answers = !connects && routeKey !== '$disconnect'
    const route = this.#add(CfnRoute, name, {
      apiId: this.#api.apiId,
      routeKey,
      target: `integrations/${wiring.integrationId}`,
      authorizationType: connects ? 'CUSTOM' : 'NONE',
      ...(connects ? { authorizerId: wiring.authorizerId } : {}),
      ...(answers ? { routeResponseSelectionExpression: '$default' } : {}),
    })
    if (answers)
      this.#add(CfnRouteResponse, `${name}Response`, {
        apiId: this.#api.apiId,
        routeId: route.ref,
        routeResponseKey: '$default',
      })
    this.#permit(`${name}Permission`, wiring.target, `${this.#api.stageName}/${routeKey}`)
  }

  /** The long form that WebSocket APIs need (CFN-3). */
  #invocationUri(target: ServiceFunction): string {
    const { partition, region } = Stack.of(this)
    return `arn:${partition}:apigateway:${region}:lambda:path/2015-03-31/functions/${target.function.functionArn}/invocations`
  }

  #permit(id: string, target: ServiceFunction, source: string): void {
    new CfnPermission(this, id, {
      action: 'lambda:InvokeFunction',
      functionName: target.function.functionArn,
      principal: 'apigateway.amazonaws.com',
      sourceArn: this.#api.executeArn(source),
    })
  }
}

function routeName(routeKey: string): string {
  const word = routeKey.replace('$', '')
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}Route`
}
