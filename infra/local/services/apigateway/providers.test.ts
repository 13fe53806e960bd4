import { describe, expect, it } from 'vitest'
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
  it('C1: Ref of an API is its id, ApiEndpoint its wss address', async () => {
    const { ApiId, attributes } = await setUp()
    expect(ApiId).toMatch(/^[a-z0-9]{10}$/)
    expect(attributes).toEqual({
      ApiId,
      ApiEndpoint: `wss://${ApiId}.execute-api.eu-west-1.amazonaws.com`,
    })
  })

  it('C2, C3, C5, C6: Ref of route, integration, authorizer are ids, of a stage its name', async () => {
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
    ['W11', 'Route', { RouteKey: '$custom' }, /\$custom/],
    ['W52', 'Authorizer', { AuthorizerType: 'JWT', AuthorizerUri: uri }, /JWT/],
    ['W53', 'Route', { RouteKey: 'hello', AuthorizationType: 'CUSTOM' }, /\$connect only/],
    [
      'W58',
      'Authorizer',
      { AuthorizerType: 'REQUEST', AuthorizerUri: uri, IdentitySource: ['$request.header.Auth'] },
      /\$request\.header\.Auth/,
    ],
    [
      'W58',
      'Authorizer',
      {
        AuthorizerType: 'REQUEST',
        AuthorizerUri: uri,
        IdentitySource: ['method.request.header.A'],
      },
      /method\.request/,
    ],
    ['W75', 'Route', { RouteKey: 'a', RouteResponseSelectionExpression: '$other' }, /\$other/],
    [
      'W94',
      'Integration',
      { IntegrationType: 'AWS_PROXY', IntegrationUri: uri, TimeoutInMillis: 30_000 },
      /30000/,
    ],
    [
      'W94',
      'Integration',
      { IntegrationType: 'AWS_PROXY', IntegrationUri: uri, TimeoutInMillis: 49 },
      /49/,
    ],
    ['W95', 'Integration', { IntegrationType: 'HTTP_PROXY', IntegrationUri: uri }, /HTTP_PROXY/],
    [
      'W95',
      'Integration',
      { IntegrationType: 'AWS_PROXY', IntegrationUri: uri, IntegrationMethod: 'GET' },
      /GET/,
    ],
    [
      'C3',
      'Integration',
      {
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: 'arn:aws:lambda:eu-west-1:000000000000:function:fn',
      },
      /not the invocation URI/,
    ],
    [
      'C8',
      'Stage',
      { StageName: 'prod', DefaultRouteSettings: { LoggingLevel: 'INFO' } },
      /AWS::ApiGateway::Account/,
    ],
    ['W75', 'RouteResponse', { RouteId: 'none', RouteResponseKey: '$default' }, /no route/],
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

  it('C8: with the account role a stage may log', async () => {
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
})
