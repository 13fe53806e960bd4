import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Clock } from '../core/clock.ts'
import type { Audience, Audiences, Owner } from '../core/fanout/ports.ts'
import type { SubscriptionRow } from '../core/subscriptions/ports.ts'
import { parseTopicFilter, type DeviceTopic } from '../protocol/index.ts'
import { batchGet, batchWrite, queryAll, type Item } from './dynamo-client.ts'
import { bumpVersion, type SubscriptionTables } from './dynamo-subscriptions.ts'
import { fromSubscriptionItem } from './subscription-item.ts'
import { FLEET, REVOKED, SLOW, versionKey } from './subscription-keys.ts'
import { systemClock } from './system-clock.ts'

interface VersionItem {
  readonly pk: string
  readonly version: number
}
type StoredItem = Item & { readonly sk: string }
type StoredRow = SubscriptionRow & StoredItem
interface SlowRow {
  readonly sk: string
  readonly untilMs: number
}
interface RevocationRow {
  readonly sk: string
  readonly revokedAt: number
}

/** What was read of a partition, and the version it had just before. */
interface Cached<T> {
  readonly version: number
  readonly value: T
}

/** A site's watchers, and how many rows had to be read to know them. */
interface Loaded {
  readonly watchers: Watchers
  readonly rowsRead: number
}

/** The rows of one site (or the fleet's), by device; `#` are those that watch all of it. */
type Watchers = ReadonlyMap<string, readonly SubscriptionRow[]>

const CACHED_PARTITIONS = 1_000
/** A slow connection's time is moved on in steps of this. */
const SLOW_STEP_MS = 2_000
/** So long it is known that a connection was slow, for every `deliver` to tell it that this is over. */
const RECOVERED_MS = 10 * 60_000

/**
 * Who watches, kept between batches and checked at each: one BatchGet of the version items of the sites in the batch, and a partition is
 * read again only when its version moved. The version is read before the rows and bumped after them, so rows under a version that stands
 * are no older than it (docs/architecture.md, "Order and proof").
 */
export function dynamoAudiences(
  client: DynamoDBDocumentClient,
  tables: SubscriptionTables,
  clock: Clock = systemClock,
): Audiences {
  const table = tables.subscriptionsTable
  const watchers = new Map<string, Cached<Watchers>>()
  const revocations = new Map<string, Cached<readonly RevocationRow[]>>()
  let slow: Cached<ReadonlyMap<string, number>> | undefined

  const loadWatchers = async (site: string, version: number): Promise<Loaded> => {
    const known = watchers.get(site)
    if (known?.version === version) return { watchers: known.value, rowsRead: 0 }
    // Nobody has ever subscribed to anything of it: every change bumps the version.
    const rows = version === 0 ? [] : await queryPartition<StoredItem>(client, table, site)
    const value = byDevice(rows.map(fromSubscriptionItem))
    if (watchers.size >= CACHED_PARTITIONS) watchers.clear()
    watchers.set(site, { version, value })
    return { watchers: value, rowsRead: rows.length }
  }
  const loadSlow = async (version: number): Promise<ReadonlyMap<string, number>> => {
    if (slow?.version === version) return slow.value
    const rows = version === 0 ? [] : await queryPartition<SlowRow>(client, table, SLOW)
    const value = new Map(rows.map((row) => [row.sk, row.untilMs]))
    slow = { version, value }
    return value
  }
  const loadRevocations = async (
    issuer: string,
    version: number,
  ): Promise<readonly RevocationRow[]> => {
    const known = revocations.get(issuer)
    if (known?.version === version) return known.value
    const pk = `revoked#${issuer}`
    const value =
      version === 0 ? [] : await queryPartition<RevocationRow>(client, tables.connectionsTable, pk)
    revocations.set(issuer, { version, value })
    return value
  }

  return {
    async load(topics, issuers = []) {
      const sites = [...new Set([...topics.map(siteOf), FLEET])]
      const items = await batchGet<VersionItem>(
        client,
        table,
        [...sites, SLOW, REVOKED].map(versionKey),
      )
      const versions = new Map(items.map((item) => [item.pk, item.version]))
      const versionOf = (partition: string): number => versions.get(partition) ?? 0
      const [slowUntil, ...loaded] = await Promise.all([
        loadSlow(versionOf(SLOW)),
        ...sites.map(async (site) => [site, await loadWatchers(site, versionOf(site))] as const),
      ])
      const bySite = new Map(loaded.map(([site, found]) => [site, found.watchers]))
      const concerned = new Set([...issuers, ...[...bySite.values()].flatMap(issuersOf)])
      const revoked = new Map(
        await Promise.all(
          [...concerned].map(
            async (issuer) => [issuer, await loadRevocations(issuer, versionOf(REVOKED))] as const,
          ),
        ),
      )
      const rowsRead = loaded.reduce((sum, [, found]) => sum + found.rowsRead, 0)
      return audienceOf({ bySite, revoked, slowUntil, rowsRead, nowMs: clock.now() })
    },
    async slowDown(untilMs) {
      // A burst of refusals is one change: every change makes every `deliver` read the partition again.
      const changed = [...untilMs].filter(
        ([connectionId, until]) => (slow?.value.get(connectionId) ?? 0) <= until - SLOW_STEP_MS,
      )
      if (changed.length === 0) return
      const puts = changed.map(([connectionId, until]) => {
        const ttl = Math.ceil((until + RECOVERED_MS) / 1_000)
        return { put: { pk: SLOW, sk: connectionId, untilMs: until, ttl } }
      })
      await batchWrite(client, table, puts)
      await bumpVersion(client, table, SLOW)
    },
  }
}

function audienceOf(found: {
  readonly bySite: ReadonlyMap<string, Watchers>
  readonly revoked: ReadonlyMap<string, readonly RevocationRow[]>
  readonly slowUntil: ReadonlyMap<string, number>
  readonly rowsRead: number
  readonly nowMs: number
}): Audience {
  return {
    rowsRead: found.rowsRead,
    rowsFor(topic) {
      const site = found.bySite.get(siteOf(topic))
      const fleet = found.bySite.get(FLEET)
      const device = topic.slice(topic.indexOf('/') + 1)
      const groups = [site?.get(device), site?.get('#'), fleet?.get('#')]
      return groups.flatMap((rows) => rows ?? [])
    },
    isRevoked: (owner) => (found.revoked.get(owner.issuer) ?? []).some((one) => isHit(one, owner)),
    pace(connectionId) {
      const untilMs = found.slowUntil.get(connectionId)
      return untilMs === undefined ? 'full' : untilMs > found.nowMs ? 'slow' : 'recovered'
    },
  }
}

/** As in dynamo-revocations: a token's revocation is final, a user's ends the tokens issued up to then. */
function isHit({ sk, revokedAt }: RevocationRow, owner: Owner): boolean {
  if (owner.tokenId !== '' && sk === `jti#${owner.tokenId}`) return true
  return sk === `user#${owner.user}` && owner.issuedAt * 1_000 <= revokedAt
}

function issuersOf(watchers: Watchers): readonly string[] {
  return [...watchers.values()].flat().map((row) => row.issuer)
}

function byDevice(rows: readonly StoredRow[]): Watchers {
  const groups = new Map<string, SubscriptionRow[]>()
  for (const row of rows) {
    const device = row.sk.slice(0, row.sk.indexOf('|'))
    const group = groups.get(device)
    if (group) group.push(row)
    else groups.set(device, [row])
  }
  return groups
}

/** Every row but the version's: `!` sorts before every device, `#`, user, token and connection. */
async function queryPartition<Row extends { readonly sk: string }>(
  client: DynamoDBDocumentClient,
  table: string,
  pk: string,
): Promise<readonly Row[]> {
  return queryAll<Row>(client, {
    TableName: table,
    KeyConditionExpression: 'pk = :pk AND sk > :version',
    ExpressionAttributeValues: { ':pk': pk, ':version': '!version' },
  })
}

function siteOf(topic: DeviceTopic): string {
  const parsed = parseTopicFilter(topic)
  return parsed?.kind === 'device' ? parsed.site : FLEET
}
