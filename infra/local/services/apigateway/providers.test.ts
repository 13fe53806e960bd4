import { describe, expect, it } from 'vitest'
import { createHostMap } from '../../platform/host-map.ts'
import { deploy } from '../../template/deploy.ts'
import { createModel } from './model.ts'
import { apiGatewayProviders } from './providers.ts'

const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Test' }
const uri =
  'arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:000000000000:function:fn/invocations'

async function setUp() {
  const model = createModel()
  const providers = apiGatewayProviders({ account, model, onApi: () => undefined })
  const create = async (type: string, properties: object, logicalId = type) =>
    providers
      .find((provider) => provider.type === `AWS::${type}`)!
      .create({ logicalId, type: `AWS::${type}`, properties: { ...properties } })
  const { ref: ApiId, attributes } = await create('ApiGatewayV2::Api', api)
  return { model, create, ApiId, attributes }
}

const api = {
  Name: 'api',
  ProtocolType: 'WEBSOCKET',
  RouteSelectionExpression: '$request.body.action',
}

describe('API Gateway resources', () => {
  it('CFN-1: Ref of an API is its id, ApiEndpoint its wss address', async () => {
    const { ApiId, attributes } = await setUp()
    expect(ApiId).toMatch(/^[a-z0-9]{10}$/)
    expect(attributes).toEqual({
      ApiId,
      ApiEndpoint: `wss://${ApiId}.execute-api.eu-west-1.amazonaws.com`,
    })
  })

  it('CFN-2, CFN-3, CFN-5, CFN-6: Ref of route, integration, authorizer are ids, of a stage its name', async () => {
    const { create, ApiId } = await setUp()
    const integration = await create('ApiGatewayV2::Integration', {
      ApiId,
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: uri,
    })
    const route = await create('ApiGatewayV2::Route', {
      ApiId,
      RouteKey: 'hello',
      Target: `integrations/${integration.ref}`,
    })
    const authorizer = await create('ApiGatewayV2::Authorizer', {
      ApiId,
      AuthorizerType: 'REQUEST',
      AuthorizerUri: uri,
    })
    const stage = await create('ApiGatewayV2::Stage', { ApiId, StageName: 'prod' })
    for (const { ref } of [integration, route, authorizer]) expect(ref).toMatch(/^[a-z0-9]{6,7}$/)
    expect(stage.ref).toBe('prod')
  })

  it.each<[string, string, object, RegExp]>([
    ['APIGW-11', 'Route', { RouteKey: '$custom' }, /\$custom/],
    ['APIGW-52', 'Authorizer', { AuthorizerType: 'JWT', AuthorizerUri: uri }, /JWT/],
    ['APIGW-53', 'Route', { RouteKey: 'hello', AuthorizationType: 'CUSTOM' }, /\$connect only/],
    [
      'APIGW-58',
      'Authorizer',
      { AuthorizerType: 'REQUEST', AuthorizerUri: uri, IdentitySource: ['$request.header.Auth'] },
      /\$request\.header\.Auth/,
    ],
    [
      'APIGW-58',
      'Authorizer',
      {
        AuthorizerType: 'REQUEST',
        AuthorizerUri: uri,
        IdentitySource: ['method.request.header.A'],
      },
      /method\.request/,
    ],
    ['APIGW-75', 'Route', { RouteKey: 'a', RouteResponseSelectionExpression: '$other' }, /\$other/],
    [
      'APIGW-94',
      'Integration',
      { IntegrationType: 'AWS_PROXY', IntegrationUri: uri, TimeoutInMillis: 30_000 },
      /30000/,
    ],
    [
      'APIGW-94',
      'Integration',
      { IntegrationType: 'AWS_PROXY', IntegrationUri: uri, TimeoutInMillis: 49 },
      /49/,
    ],
    [
      'APIGW-95',
      'Integration',
      { IntegrationType: 'HTTP_PROXY', IntegrationUri: uri },
      /HTTP_PROXY/,
    ],
    [
      'APIGW-95',
      'Integration',
      { IntegrationType: 'AWS_PROXY', IntegrationUri: uri, IntegrationMethod: 'GET' },
      /GET/,
    ],
    [
      'CFN-3',
      'Integration',
      {
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: 'arn:aws:lambda:eu-west-1:000000000000:function:fn',
      },
      /not the invocation URI/,
    ],
    [
      'CFN-8',
      'Stage',
      { StageName: 'prod', DefaultRouteSettings: { LoggingLevel: 'INFO' } },
      /AWS::ApiGateway::Account/,
    ],
    ['APIGW-75', 'RouteResponse', { RouteId: 'none', RouteResponseKey: '$default' }, /no route/],
  ])(
    '%s: %s %j is refused with its logical id and the reason',
    async (_, type, properties, reason) => {
      const { create, ApiId } = await setUp()
      const refused = create(`ApiGatewayV2::${type}`, { ApiId, ...properties }, 'MyThing')
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_PROPERTY' })
      await expect(refused).rejects.toThrow(reason)
      await expect(refused).rejects.toThrow(/^MyThing: /)
    },
  )

  it('CFN-8: with the account role a stage may log', async () => {
    const { create, ApiId } = await setUp()
    await create('ApiGateway::Account', { CloudWatchRoleArn: 'arn:aws:iam::0:role/x' })
    await expect(
      create('ApiGatewayV2::Stage', {
        ApiId,
        StageName: 'prod',
        DefaultRouteSettings: { LoggingLevel: 'ERROR' },
      }),
    ).resolves.toBeDefined()
  })

  it('an HTTP API is refused', async () => {
    const { create } = await setUp()
    await expect(
      create('ApiGatewayV2::Api', { ...api, ProtocolType: 'HTTP' }, 'Other'),
    ).rejects.toThrow(/only WEBSOCKET/)
  })

  it('two APIs may not share a stage name on one machine', async () => {
    const { create, ApiId } = await setUp()
    const other = await create('ApiGatewayV2::Api', api, 'Other')
    await create('ApiGatewayV2::Stage', { ApiId, StageName: 'prod' }, 'First')
    await expect(
      create('ApiGatewayV2::Stage', { ApiId: other.ref, StageName: 'prod' }, 'Second'),
    ).rejects.toThrow(/choose another name/)
  })

  it.each<[string, number, (n: number) => object]>([
    ['Route', 300, (n) => ({ RouteKey: `route${n}` })],
    ['Integration', 300, () => ({ IntegrationType: 'AWS_PROXY', IntegrationUri: uri })],
    ['Authorizer', 10, () => ({ AuthorizerType: 'REQUEST', AuthorizerUri: uri })],
    ['Stage', 10, (n) => ({ StageName: `stage${n}` })],
  ])('APIGW-98: a %s beyond %i in one API is refused', async (type, quota, properties) => {
    const { create, ApiId } = await setUp()
    const add = (n: number) =>
      create(`ApiGatewayV2::${type}`, { ApiId, ...properties(n) }, `Thing${n}`)
    for (let n = 0; n < quota; n++) await add(n)
    await expect(add(quota)).rejects.toThrow(
      `Thing${quota}: an API has at most ${quota} ${type.toLowerCase()}s`,
    )
    await expect(add(0)).resolves.toBeDefined()
  })

  it('APIGW-98: an access log format over 3 KB is refused', async () => {
    const { create, ApiId } = await setUp()
    const stage = (bytes: number) =>
      create('ApiGatewayV2::Stage', {
        ApiId,
        StageName: 'prod',
        AccessLogSettings: { DestinationArn: 'arn', Format: 'x'.repeat(bytes) },
      })
    await expect(stage(3072)).resolves.toBeDefined()
    await expect(stage(3073)).rejects.toThrow(/at most 3 KB/)
  })
})

describe('what a WebSocket API can have and this one does not', () => {
  const Api = { Type: 'AWS::ApiGatewayV2::Api', Properties: api }
  const ApiId = { Ref: 'Api' }
  it.each<[string, string, object, string]>([
    [
      'APIGW-79, APIGW-80',
      'ApiGatewayV2::Route',
      { ApiId, RouteKey: 'a', ModelSelectionExpression: '$request.body.model' },
      'ModelSelectionExpression is not supported',
    ],
    [
      'APIGW-79, APIGW-80',
      'ApiGatewayV2::Route',
      { ApiId, RouteKey: 'a', RequestModels: { a: 'Model' } },
      'RequestModels is not supported',
    ],
    [
      'APIGW-79, APIGW-80',
      'ApiGatewayV2::Model',
      { ApiId, Name: 'a', Schema: {} },
      'this resource type is not supported',
    ],
    [
      'APIGW-83',
      'ApiGatewayV2::Integration',
      {
        ApiId,
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: uri,
        ContentHandlingStrategy: 'CONVERT_TO_BINARY',
      },
      'ContentHandlingStrategy is not supported',
    ],
    [
      'APIGW-83',
      'ApiGatewayV2::IntegrationResponse',
      { ApiId, ContentHandlingStrategy: 'CONVERT_TO_TEXT' },
      'this resource type is not supported',
    ],
    [
      'APIGW-30',
      'ApiGatewayV2::ApiMapping',
      { ApiId, DomainName: 'x.example', Stage: 'prod' },
      'this resource type is not supported',
    ],
    [
      'APIGW-54',
      'ApiGatewayV2::Authorizer',
      { ApiId, AuthorizerType: 'REQUEST', AuthorizerUri: uri, AuthorizerResultTtlInSeconds: 300 },
      'AuthorizerResultTtlInSeconds is not supported',
    ],
    [
      'APIGW-110, CFN-24',
      'WAFv2::WebACLAssociation',
      { ResourceArn: ApiId, WebACLArn: 'arn' },
      'this resource type is not supported',
    ],
  ])(
    '%s: %s with %j is refused by name before anything is made',
    async (_, type, Properties, why) => {
      const model = createModel()
      const deploying = deploy({
        template: { Resources: { Api, Thing: { Type: `AWS::${type}`, Properties } } } as never,
        account,
        providers: apiGatewayProviders({ account, model, onApi: () => undefined }),
        hosts: createHostMap(),
      })
      await expect(deploying).rejects.toMatchObject({ code: 'TEMPLATE_UNSUPPORTED' })
      await expect(deploying).rejects.toThrow(`Thing (AWS::${type}): ${why}`)
      expect(model.apis.size).toBe(0)
    },
  )
})
