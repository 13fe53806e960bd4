import { isEntitled, type DeviceTopic } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { SubscriptionRow } from '../subscriptions/ports.ts'
import type { Log } from '../telemetry-sink.ts'
import type { Audience, Audiences, Owner } from '../delivery/ports.ts'

/**
 * Why a connection may be sent something: its subscription to a topic, or that its user asked for it (an answer to his command).
 */
export type Claim =
  | { readonly row: SubscriptionRow; readonly topic: DeviceTopic }
  | { readonly owner: Owner }

/** Whether mail may go out now. */
export interface Rights {
  /** `shed`: who may see what could not be read again. */
  hold(mail: { readonly claims: readonly Claim[] }): Promise<'ok' | 'withheld' | 'shed'>
}

/**
 * A post is begun on rights that are at most so old, and takes at most a second: what was queued when somebody lost his is not sent
 * two seconds later (issue 4, line 2).
 */
const RIGHTS_LIVE_MS = 1_000

export interface Entitling {
  readonly audiences: Pick<Audiences, 'load'>
  readonly clock: Clock
  readonly log: Log
  readonly topics: readonly DeviceTopic[]
  /** Issuers of owners without a subscription. */
  readonly issuers: readonly string[]
}

/**
 * The rights of a batch's mail, which was addressed by `audience` as of `asOfMs` (epoch ms at which the look at who watches began). When they
 * have grown old they are looked up again: the version items in one read, and whatever has changed.
 */
export function createRights(
  entitling: Entitling,
  addressed: { readonly audience: Audience; readonly asOfMs: number },
): Rights {
  const { clock } = entitling
  let current = addressed
  let allowed = allowance(addressed.audience)
  let renewal: Promise<boolean> | undefined

  const areFresh = (): boolean => clock.now() - current.asOfMs <= RIGHTS_LIVE_MS
  const renew = async (): Promise<boolean> => {
    const asOfMs = clock.now()
    try {
      const audience = await entitling.audiences.load(entitling.topics, entitling.issuers)
      current = { audience, asOfMs }
      allowed = allowance(audience)
      return true
    } catch (error) {
      entitling.log.warn('rights could not be read again, the rest is left out', {}, error)
      return false
    } finally {
      renewal = undefined
    }
  }
  return {
    async hold({ claims }) {
      if (!areFresh()) {
        renewal ??= renew()
        if (!(await renewal) || !areFresh()) return 'shed'
      }
      const nowMs = clock.now()
      // What was addressed by this audience only has to be still in time.
      const isAddressed = current === addressed
      const holds = claims.every((claim) =>
        isAddressed ? !isExpired(ownerOf(claim), nowMs) : allowed(claim, nowMs),
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

function ownerOf(claim: Claim): Owner {
  return 'row' in claim ? claim.row : claim.owner
}

/** Asks each topic's rows once. A subscription that was replaced by an equal one is the reader's own doing and holds. */
function allowance(audience: Audience): (claim: Claim, nowMs: number) => boolean {
  const byTopic = new Map<DeviceTopic, ReadonlyMap<string, SubscriptionRow>>()
  const rowsOf = (topic: DeviceTopic): ReadonlyMap<string, SubscriptionRow> => {
    const known = byTopic.get(topic)
    if (known) return known
    const rows = new Map(audience.rowsFor(topic).map((row) => [subscriptionId(row), row]))
    byTopic.set(topic, rows)
    return rows
  }
  return (claim, nowMs) => {
    if ('owner' in claim) return mayAct(claim.owner, audience, nowMs)
    const row = rowsOf(claim.topic).get(subscriptionId(claim.row))
    return row !== undefined && maySee({ row, topic: claim.topic }, audience, nowMs)
  }
}

function subscriptionId({ connectionId, sid }: SubscriptionRow): string {
  return `${connectionId}|${sid}`
}
