import { setTimeout as sleep } from 'node:timers/promises'
import { SignInNeeded, type TokenSource } from '../../dashboard/src/stream/token-source.ts'
import { ProtocolClient, requestToken } from '../support/client.ts'
import type { RunningSystem } from '../support/system.ts'
import { CampaignDashboard } from './campaign-dashboard.ts'
import { FilteredViewer } from './campaign-filters.ts'
import type { Grant } from './checker.ts'
import { seeded } from './random.ts'

/** A dashboard, what its user may see and until when, and whether its chart must be complete. */
export interface Person {
  readonly dashboard: CampaignDashboard
  readonly granted: readonly string[]
  toMs: number
  readonly isPromised: boolean
}

export interface People {
  readonly persons: readonly Person[]
  readonly filtered: FilteredViewer
  readonly floodToken: string
}

interface PeopleOptions {
  readonly topics: readonly string[]
  readonly seed: number
  readonly fromTs: number
  readonly lengthMs: number
}

const longSeconds = 43_200

interface Role {
  readonly name: string
  readonly devices: string
  readonly sites: readonly string[]
  /** Devices looked at; all when absent. */
  readonly count?: number
}

/** Two sites, four entitlements. */
const viewers: readonly Role[] = [
  { name: 'ana', devices: 'plant-1/#', sites: ['plant-1'] },
  { name: 'vic', devices: 'plant-2/#', sites: ['plant-2'] },
  { name: 'olli', devices: '#', sites: ['plant-1', 'plant-2'] },
  { name: 'ben', devices: 'plant-1/#', sites: ['plant-1'] },
]
/** Her token ends again and again, and is renewed on the living socket. */
const rosa: Role = { name: 'rosa', devices: 'plant-2/#', sites: ['plant-2'], count: 3 }
/** His token ends, and he has no other. */
const tom: Role = { name: 'tom', devices: 'plant-1/#', sites: ['plant-1'], count: 3 }
/** An administrator revokes her. */
const rita: Role = { name: 'rita', devices: 'plant-2/#', sites: ['plant-2'], count: 3 }

/** Makes everybody; who starts them is the campaign. Each has a generator of chance of its own. */
export async function invite(system: RunningSystem, options: PeopleOptions): Promise<People> {
  const token: MakeToken = (role, expiresIn) =>
    requestToken(system, {
      user: role.name,
      roles: ['viewer'],
      devices: [role.devices],
      expiresIn,
    })
  const always = async (role: Role): Promise<Person> => {
    const one = await token(role, longSeconds)
    return person(role, () => Promise.resolve(one), { toMs: Infinity, isPromised: true })
  }
  const person: MakePerson = (role, source, rest) => {
    const granted = options.topics.filter((topic) =>
      role.sites.some((site) => topic.startsWith(`${site}/`)),
    )
    const dashboard = new CampaignDashboard({
      name: role.name,
      url: system.endpoints.websocket,
      token: source,
      topics: granted.slice(0, role.count),
      fromTs: options.fromTs,
      random: seeded(options.seed ^ seedOf(role.name)).next,
    })
    return { dashboard, granted, ...rest }
  }
  const ritas = await token(rita, longSeconds)
  const filters = await token({ name: 'fio', devices: '#', sites: [] }, longSeconds)
  const filtered = new FilteredViewer({
    name: 'fio',
    url: system.endpoints.websocket,
    token: () => Promise.resolve(filters),
    topics: options.topics,
    random: seeded(options.seed ^ seedOf('fio')).next,
  })
  return {
    filtered,
    floodToken: await token({ name: 'flo', devices: 'plant-1/#', sites: [] }, longSeconds),
    persons: [
      ...(await Promise.all(viewers.map(always))),
      person(rosa, () => token(rosa, 75), { toMs: Infinity, isPromised: true }),
      tomWith(token, person, options.lengthMs),
      person(rita, () => Promise.resolve(ritas), { toMs: Infinity, isPromised: false }),
    ],
  }
}

type MakeToken = (role: Role, expiresIn: number) => Promise<string>
type MakePerson = (
  role: Role,
  source: TokenSource,
  rest: Pick<Person, 'toMs' | 'isPromised'>,
) => Person

/** Tom gets one token, when he starts, and it ends before the campaign does. */
function tomWith(token: MakeToken, person: MakePerson, lengthMs: number): Person {
  let only: string | undefined
  const source: TokenSource = async (want) => {
    if (only !== undefined && want === 'renew') throw new SignInNeeded('there is no other token')
    if (only === undefined) {
      only = await token(tom, Math.max(15, Math.round(lengthMs / 2_500)))
      made.toMs = expiryMs(only)
    }
    return only
  }
  const made = person(tom, source, { toMs: Infinity, isPromised: false })
  return made
}

/** While the campaign runs: Tom comes with a token that ends, Rita is revoked in its middle, and Ben asks for what he may not see. */
export async function act(system: RunningSystem, people: People, lengthMs: number): Promise<void> {
  const [rita, ben, brief] = ['rita', 'ben', 'tom'].map((name) =>
    people.persons.find(({ dashboard }) => dashboard.name === name),
  )
  if (!rita || !ben || !brief) throw new Error('somebody is missing')
  brief.dashboard.start()
  await Promise.all([revoke(system, rita, lengthMs / 2), pry(people, ben, lengthMs)])
}

async function revoke(system: RunningSystem, rita: Person, afterMs: number): Promise<void> {
  await sleep(afterMs)
  const token = await requestToken(system, { user: 'root', roles: ['admin'], devices: ['#'] })
  // Faults strike the administrator as well; she asks until she is told that it is done.
  while (!(await isRevoked(system, token))) await sleep(500)
  rita.toMs = Date.now()
}

async function isRevoked(system: RunningSystem, token: string): Promise<boolean> {
  let client: ProtocolClient | undefined
  try {
    client = await ProtocolClient.connect(system.endpoints.websocket, token)
    await client.request({ action: 'hello' }, 'welcome')
    await client.request({ action: 'revoke', user: 'rita' }, 'revoked')
    return true
  } catch {
    return false
  } finally {
    client?.cut()
  }
}

/** Subscribes to and asks the history of devices of the other site, eight times. What comes of it is in the deliveries. */
async function pry(people: People, ben: Person, lengthMs: number): Promise<void> {
  const others = people.persons
    .flatMap(({ granted }) => granted)
    .filter((topic) => !ben.granted.includes(topic))
  const { stream } = ben.dashboard.client
  for (let time = 0; time < 8; time++) {
    await sleep(lengthMs / 10)
    const topic = others[time % others.length] ?? 'plant-2/#'
    const subscriptions = [
      { sid: 900, topic, mode: 'complete' as const, window: { lastMs: 60_000, points: 100 } },
      { sid: 901, topic: 'plant-2/#', mode: 'latest' as const },
      { sid: 902, topic: '#', mode: 'latest' as const },
    ]
    const to = Date.now()
    await Promise.allSettled([
      stream.request({ action: 'subscribe', subscriptions }),
      stream.request({ action: 'history', topic, from: to - 60_000, to }),
    ])
  }
}

export function grantsOf(people: People, topics: readonly string[]): Grant[] {
  return [
    ...people.persons.flatMap(({ dashboard, granted, toMs }) =>
      granted.map((topic) => ({ client: dashboard.name, topic, fromMs: 0, toMs })),
    ),
    ...topics.map((topic) => ({ client: 'fio', topic, fromMs: 0, toMs: Infinity })),
  ]
}

function seedOf(name: string): number {
  return Buffer.from(name).reduce((sum, byte) => Math.imul(sum, 31) + byte, 7) >>> 0
}

function expiryMs(token: string): number {
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  return (JSON.parse(claims) as { exp: number }).exp * 1_000
}
