import { setTimeout as sleep } from 'node:timers/promises'
import type { CampaignDevice } from './campaign-device.ts'
import type { People, Person } from './campaign-people.ts'
import type { Sent } from './checker.ts'

/** Nothing moves for so long, and everybody is live and has had so many answers: what is missing now will not come. */
const silentMs = 30_000
const silentAnswers = 5
/** Nothing moves at all, live or not. A busy machine answers late, so this is long. */
const deadMs = 240_000
const wakeMs = 4_000

/**
 * Waits until every promised dashboard holds as many points as were sent to it and the
 * fleet shows the newest (`untilNewest`), or nothing moves any
 * more: each dashboard is live and has been told again and again where its devices stand, and neither that nor its points have changed.
 * The measure is the system's own progress, not the machine's.
 */
export async function settle(
  devices: readonly CampaignDevice[],
  people: People,
  {
    log,
    untilNewest = false,
  }: { readonly log: (line: string) => void; readonly untilNewest?: boolean },
): Promise<void> {
  const sentTo = new Map(devices.map(({ topic, sent }) => [topic, sent.length]))
  const promised = people.persons.filter(({ isPromised }) => isPromised)
  const newest = newestOf(devices)
  const wanted = ({ dashboard }: Person): number =>
    dashboard.topics.reduce((sum, topic) => sum + (sentTo.get(topic) ?? 0), 0)
  const isAllThere = (): boolean =>
    promised.every((person) => person.dashboard.count() >= wanted(person)) &&
    (untilNewest ? people.filtered.showsNewest(newest) : people.filtered.client.isLive)
  const hasEnded = watchProgress(promised)
  let wokenMs = 0
  while (!isAllThere()) {
    if (hasEnded()) {
      for (const person of promised) log(whereItStands(person, wanted(person)))
      return
    }
    if (Date.now() - wokenMs >= wakeMs) {
      for (const { dashboard } of promised) dashboard.wake()
      wokenMs = Date.now()
    }
    await sleep(1_000)
  }
}

/** The returned function looks; true when nothing moves any more. */
function watchProgress(promised: readonly Person[]): () => boolean {
  const clients = promised.map(({ dashboard }) => dashboard.client)
  let state = ''
  let movedMs = 0
  let answersThen: readonly number[] = []
  return () => {
    const now = promised.map(({ dashboard }) => `${dashboard.count()} ${dashboard.client.heads}`)
    if (now.join() !== state) {
      state = now.join()
      movedMs = Date.now()
      answersThen = clients.map(({ answers }) => answers)
    }
    const silence = Date.now() - movedMs
    const isTold = clients.every(
      ({ isLive, answers }, index) =>
        isLive && answers - (answersThen[index] ?? 0) >= silentAnswers,
    )
    return silence > deadMs || (silence > silentMs && isTold)
  }
}

/** The last reading of each device. */
export function newestOf(devices: readonly CampaignDevice[]): Sent[] {
  return devices.flatMap(({ sent }) => sent.at(-1) ?? [])
}

function whereItStands({ dashboard }: Person, wanted: number): string {
  const { phase, attempt } = dashboard.client.stream.connection()
  const denied = [...dashboard.telemetry.denied].slice(0, 1).map(([, reason]) => reason)
  return `${dashboard.name} holds ${dashboard.count()} of ${wanted}, ${phase}, attempt ${attempt}, ${dashboard.client.answers} pongs ${denied.join()}`
}
