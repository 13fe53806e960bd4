import { isEntitled, type DeviceTopic } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { SubscriptionRow } from '../subscriptions/ports.ts'
import type { Log } from '../telemetry-sink.ts'
import type { Audience, Audiences, Owner } from './ports.ts'

/**
 * Why a connection may be sent something: its subscription to a topic, or that its user asked for it (an answer to his command).
 */
export type Entitlement =
  | { readonly row: SubscriptionRow; readonly topic: DeviceTopic }
  | { readonly owner: Owner }

/** Whether messages may go out now. */
export interface EntitlementCheck {
  /** `withheld`: one of the entitlements has ended. `shed`: who may see what could not be read again. */
  check(outbound: {
    readonly entitlements: readonly Entitlement[]
  }): Promise<'ok' | 'withheld' | 'shed'>
}

/**
 * A post is begun on entitlements that are at most so old, and takes at most a second: what was queued when somebody lost his is not sent
 * two seconds later (issue 4, line 2).
 */
const ENTITLEMENT_VALID_MS = 1_000

export interface EntitlementSource {
  readonly audiences: Pick<Audiences, 'load'>
  readonly clock: Clock
  readonly log: Log
  readonly topics: readonly DeviceTopic[]
  /** Issuers of owners without a subscription. */
  readonly issuers: readonly string[]
}

/**
 * The entitlements of a batch, which was matched against `audience` as of `asOfMs` (epoch ms at which the look at who watches began). When they
 * have grown old they are looked up again: the version items in one read, and whatever has changed.
 */
export function createEntitlementCheck(
  source: EntitlementSource,
  matched: { readonly audience: Audience; readonly asOfMs: number },
): EntitlementCheck {
  const { clock } = source
  let current = matched
  let allowed = allowance(matched.audience)
  let renewal: Promise<boolean> | undefined

  const areFresh = (): boolean => clock.now() - current.asOfMs <= ENTITLEMENT_VALID_MS
  const renew = async (): Promise<boolean> => {
    const asOfMs = clock.now()
    try {
      const audience = await source.audiences.load(source.topics, source.issuers)
      current = { audience, asOfMs }
      allowed = allowance(audience)
      return true
    } catch (error) {
      source.log.warn('entitlements could not be read again, the rest is left out', {}, error)
      return false
    } finally {
      renewal = undefined
    }
  }
  return {
    async check({ entitlements }) {
      if (!areFresh()) {
        renewal ??= renew()
        if (!(await renewal) || !areFresh()) return 'shed'
      }
      const nowMs = clock.now()
      // What was matched by this audience only has to be still in time.
      const isCurrent = current === matched
      const holds = entitlements.every((one) =>
        isCurrent ? !isExpired(ownerOf(one), nowMs) : allowed(one, nowMs),
      )
      return holds ? 'ok' : 'withheld'
    },
  }
}

/** Entitled, unexpired and unrevoked. */
export function maySee(
  { row, topic }: { readonly row: SubscriptionRow; readonly topic: DeviceTopic },
  audience: Audience,
  nowMs: number,
): boolean {
  return mayAct(row, audience, nowMs) && isEntitled(row.grants, topic)
}

/** Unexpired and unrevoked. */
export function mayAct(owner: Owner, audience: Audience, nowMs: number): boolean {
  return !isExpired(owner, nowMs) && !audience.isRevoked(owner)
}

function isExpired({ expiresAt }: Owner, nowMs: number): boolean {
  return expiresAt * 1_000 <= nowMs
}

function ownerOf(entitlement: Entitlement): Owner {
  return 'row' in entitlement ? entitlement.row : entitlement.owner
}

/** Asks each topic's rows once. A subscription that was replaced by an equal one is the reader's own doing and holds. */
function allowance(audience: Audience): (entitlement: Entitlement, nowMs: number) => boolean {
  const byTopic = new Map<DeviceTopic, ReadonlyMap<string, SubscriptionRow>>()
  const rowsOf = (topic: DeviceTopic): ReadonlyMap<string, SubscriptionRow> => {
    const known = byTopic.get(topic)
    if (known) return known
    const rows = new Map(audience.rowsFor(topic).map((row) => [subscriptionId(row), row]))
    byTopic.set(topic, rows)
    return rows
  }
  return (entitlement, nowMs) => {
    if ('owner' in entitlement) return mayAct(entitlement.owner, audience, nowMs)
    const { row: matched, topic } = entitlement
    const row = rowsOf(topic).get(subscriptionId(matched))
    return row !== undefined && maySee({ row, topic }, audience, nowMs)
  }
}

function subscriptionId({ connectionId, sid }: SubscriptionRow): string {
  return `${connectionId}|${sid}`
}
