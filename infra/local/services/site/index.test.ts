import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHostMap, type HostMap } from '../../platform/host-map.ts'
import { createSite, type SiteService } from './index.ts'

const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Gaugeline' }
const bucketName = 'files'
const api = 'wss://abc.execute-api.eu-west-1.amazonaws.com'

let directory: string
let hostMap: HostMap
let site: SiteService
let distributionId: string

const create = (type: string, logicalId: string, properties: Record<string, unknown>) =>
  site.providers
    .find((candidate) => candidate.type === type)!
    .create({
      logicalId,
      type,
      properties,
    })

const allowDistribution = () =>
  create('AWS::S3::BucketPolicy', 'Policy', {
    Bucket: bucketName,
    PolicyDocument: {
      Statement: [
        {
          Effect: 'Allow',
          Action: 's3:GetObject',
          Principal: { Service: 'cloudfront.amazonaws.com' },
          Condition: {
            StringEquals: {
              'AWS:SourceArn': `arn:aws:cloudfront::000000000000:distribution/${distributionId}`,
            },
          },
        },
      ],
    },
  })

const deploy = (logicalId: string, properties: Record<string, unknown>) =>
  create('Custom::CDKBucketDeployment', logicalId, {
    DestinationBucketName: bucketName,
    SourceObjectKeys: ['dist.zip'],
    ...properties,
  })

async function deployAll() {
  await deploy('Assets', {
    Exclude: ['*'],
    Include: ['assets/*'],
    SystemMetadata: { 'cache-control': 'public, max-age=31536000, immutable' },
  })
  await deploy('Page', {
    SourceObjectKeys: ['dist.zip', 'config.zip'],
    SourceMarkers: [{}, { '<<marker:0>>': 'abc', '<<marker:1>>': 'a"b' }],
    SourceMarkersConfig: [{}, { jsonEscape: true }],
    Exclude: ['assets/*'],
    SystemMetadata: { 'cache-control': 'no-cache' },
  })
}

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gaugeline-site-'))
  await mkdir(path.join(directory, 'dist/assets'), { recursive: true })
  await mkdir(path.join(directory, 'config'))
  await writeFile(path.join(directory, 'dist/index.html'), '<!doctype html>page')
  await writeFile(path.join(directory, 'dist/assets/app-1a2b.js'), 'run()')
  await writeFile(
    path.join(directory, 'config/config.json'),
    '{"websocket":"wss://<<marker:0>>.execute-api.eu-west-1.amazonaws.com/prod","odd":"<<marker:1>>"}',
  )
  hostMap = createHostMap()
  hostMap.add('abc.execute-api.eu-west-1.amazonaws.com', '127.0.0.1:4711')
  site = createSite({
    account,
    hostMap,
    port: 0,
    assetPath: (key) => path.join(directory, key.replace('.zip', '')),
  })
  await site.start()
  const bucket = await create('AWS::S3::Bucket', 'Files', { BucketName: bucketName })
  const headers = await create('AWS::CloudFront::ResponseHeadersPolicy', 'Headers', {
    ResponseHeadersPolicyConfig: {
      CustomHeadersConfig: { Items: [{ Header: 'X-Own', Value: '1', Override: true }] },
      SecurityHeadersConfig: {
        ContentSecurityPolicy: { ContentSecurityPolicy: `connect-src 'self' ${api}` },
        ContentTypeOptions: { Override: true },
        FrameOptions: { FrameOption: 'DENY' },
        ReferrerPolicy: { ReferrerPolicy: 'no-referrer' },
        StrictTransportSecurity: { AccessControlMaxAgeSec: 60, IncludeSubdomains: true },
      },
    },
  })
  const distribution = await create('AWS::CloudFront::Distribution', 'Distribution', {
    DistributionConfig: {
      Enabled: true,
      DefaultRootObject: 'index.html',
      DefaultCacheBehavior: {
        TargetOriginId: 'o',
        ResponseHeadersPolicyId: headers.ref,
        AllowedMethods: ['GET', 'HEAD'],
      },
      CustomErrorResponses: [
        { ErrorCode: 403, ResponseCode: 200, ResponsePagePath: '/index.html' },
      ],
      Origins: [
        {
          Id: 'o',
          DomainName: bucket.attributes!['RegionalDomainName'],
          OriginAccessControlId: 'oac',
        },
      ],
    },
  })
  distributionId = distribution.ref
})

afterEach(async () => {
  await site.stop()
  await rm(directory, { recursive: true })
})

const get = (url: string, init?: RequestInit) => fetch(`${site.url}${url}`, init)

describe('site', () => {
  it("is the distribution's address in the host map", () => {
    const domain = `d${distributionId.slice(1).toLowerCase()}.cloudfront.net`
    expect(hostMap.rewrite(`https://${domain}`)).toBe(site.url)
  })

  it("serves nothing while the bucket's policy does not allow the distribution", async () => {
    await deployAll()
    expect((await get('/')).status).toBe(403)
    await allowDistribution()
    expect((await get('/')).status).toBe(200)
  })

  it('serves the page, its assets and the configuration, each cached as deployed', async () => {
    await deployAll()
    await allowDistribution()
    const page = await get('/')
    expect(await page.text()).toBe('<!doctype html>page')
    expect(page.headers.get('cache-control')).toBe('no-cache')
    const asset = await get('/assets/app-1a2b.js')
    expect(await asset.text()).toBe('run()')
    expect(asset.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(asset.headers.get('cache-control')).toContain('immutable')
  })

  it('puts deployment values into config.json, with local addresses', async () => {
    await deployAll()
    await allowDistribution()
    expect(await (await get('/config.json')).json()).toEqual({
      websocket: 'ws://127.0.0.1:4711/prod',
      odd: 'a"b',
    })
  })

  it("sends the template's headers, with local addresses in the policy", async () => {
    await deployAll()
    await allowDistribution()
    const { headers } = await get('/')
    expect(headers.get('content-security-policy')).toBe("connect-src 'self' ws://127.0.0.1:4711")
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('strict-transport-security')).toBe('max-age=60; includeSubDomains')
    expect(headers.get('x-own')).toBe('1')
  })

  it('answers unknown paths with the page, as the error responses say', async () => {
    await deployAll()
    await allowDistribution()
    for (const unknown of ['/d/plant-1/pump-7', '/../../etc/passwd', '/%zz', '/__proto__']) {
      const response = await get(unknown)
      expect(response.status).toBe(200)
      expect(await response.text()).toBe('<!doctype html>page')
    }
  })

  it('answers 304 to a browser that has the file', async () => {
    await deployAll()
    await allowDistribution()
    const etag = (await get('/')).headers.get('etag')!
    const again = await get('/', { headers: { 'if-none-match': etag } })
    expect(again.status).toBe(304)
  })

  it('refuses methods the distribution does not allow', async () => {
    await deployAll()
    await allowDistribution()
    expect((await get('/', { method: 'POST' })).status).toBe(403)
  })

  it('sends localhost to its one address and refuses other names', async () => {
    const { port } = new URL(site.url)
    expect(await hostAnswer(`localhost:${port}`)).toEqual({
      status: 307,
      location: `${site.url}/d/x`,
    })
    expect(await hostAnswer('evil.example')).toMatchObject({ status: 403 })
  })

  it('says which port is taken and which flag helps', async () => {
    const port = Number(new URL(site.url).port)
    const second = createSite({ account, hostMap, port, assetPath: (key) => key })
    await expect(second.start()).rejects.toThrow(new RegExp(`Port ${port} is in use.*--port N`))
  })

  it('refuses a second distribution by name', () => {
    expect(() =>
      create('AWS::CloudFront::Distribution', 'Second', { DistributionConfig: {} }),
    ).toThrow(/Second: one distribution/)
  })
})

function hostAnswer(host: string): Promise<{ status?: number; location?: string }> {
  return new Promise((resolve, reject) => {
    request(`${site.url}/d/x`, { headers: { host } }, (response) => {
      response.resume()
      resolve({
        status: response.statusCode!,
        ...(response.headers.location ? { location: response.headers.location } : {}),
      })
    })
      .on('error', reject)
      .end()
  })
}
