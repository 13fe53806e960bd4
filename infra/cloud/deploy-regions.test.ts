import { expect, it } from 'vitest'
import { isSomebodyTold } from './saved-context.ts'
import { deployRegions, type Deployer, type Outputs } from './deploy-regions.ts'

/** An account: what `cdk deploy` would leave there, and what it was told each time. */
function account() {
  const stacks = new Map<string, Outputs>()
  const deployments: (readonly [string, Outputs])[] = []
  const deployer: Deployer = {
    outputsOf: (region) => Promise.resolve(stacks.get(region)),
    deploy(region, context) {
      deployments.push([region, context])
      const outputs: Outputs = {
        Dashboard: `https://${region}.example`,
        WebSocket: `wss://${region}.example/prod`,
        Issuer: context['issuer'] ?? `https://id.${region}.example`,
        ClientId: context['clientId'] ?? `client-of-${region}`,
        ...(context['issuer'] === undefined && { TokenOrigin: `https://auth.${region}.example` }),
      }
      stacks.set(region, outputs)
      return Promise.resolve(outputs)
    },
  }
  return { deployer, deployments, stacks }
}

const [first, second, third] = ['eu-west-1', 'us-east-1', 'ap-south-1'] as const
const signIn = {
  issuer: 'https://id.eu-west-1.example',
  clientId: 'client-of-eu-west-1',
  tokenOrigin: 'https://auth.eu-west-1.example',
}
const knows = (...regions: readonly string[]): Outputs => ({
  otherRegions: regions.map((region) => `${region}=wss://${region}.example/prod`).join(','),
  otherDashboards: regions.map((region) => `https://${region}.example`).join(','),
})

it('one region is deployed as ever', async () => {
  const { deployer, deployments } = account()
  await deployRegions([first], deployer)
  expect(deployments).toEqual([[first, {}]])
})

it('the first time all but the last are deployed twice, until each knows all the others', async () => {
  const { deployer, deployments } = account()
  await deployRegions([first, second, third], deployer)
  expect(deployments).toEqual([
    [first, {}],
    [second, { ...signIn, ...knows(first) }],
    [third, { ...signIn, ...knows(first, second) }],
    [first, knows(second, third)],
    [second, { ...signIn, ...knows(first, third) }],
  ])
})

it('later each is deployed once, and never without the others that people use', async () => {
  const { deployer, deployments } = account()
  await deployRegions([first, second], deployer)
  deployments.length = 0
  await deployRegions([first, second], deployer)
  expect(deployments).toEqual([
    [first, knows(second)],
    [second, { ...signIn, ...knows(first) }],
  ])
})

it('a stack that is not of this version is named, with the way out, before anything is deployed', async () => {
  const { deployer, deployments, stacks } = account()
  stacks.set(second, { Dashboard: 'https://a.example' })
  await expect(deployRegions([first, second], deployer)).rejects.toThrow(
    /us-east-1 has no output WebSocket.* Deploy it by itself first/,
  )
  expect(deployments).toEqual([])
})

it.each([
  [['-c', 'alarmEmail=a@example.com'], {}, true],
  [[], { alarmEmail: 'a@example.com' }, true],
  [['--without-alarm-email'], {}, true],
  [['-c', 'shards=2'], { shards: 2 }, false],
] as const)('of %j and cdk.json %j somebody is told of alarms: %s', (options, saved, isTold) => {
  expect(isSomebodyTold(options, saved)).toBe(isTold)
})
