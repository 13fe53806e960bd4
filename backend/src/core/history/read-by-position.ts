import { arrivalOf, comparePositions, type Position } from '../../protocol/index.ts'
import { fillPage, isBehind } from './page.ts'
import { viewOf, type ReadPage, type HistoryRead } from './query.ts'
import { walkBlocks, type Scan } from './walk.ts'

const PAGES = 8

/** What lies after a position, in stream order, up to `until` (included); `complete` when the chain has no hole. */
export async function readByPosition(
  { query, topic, place, history, budget }: HistoryRead,
  since: Position,
): Promise<ReadPage> {
  // Before the rows: a head never stands for a reading that the history lacks.
  const head = (await history.heads([topic])).get(topic)?.position ?? null
  const after = place.after ?? since
  const scan: Scan = { pagesLeft: PAGES }
  const walk = walkBlocks(history, {
    topic,
    after,
    fromMs: arrivalOf(after),
    fromKey: place.key,
    until: query.until,
    scan,
  })
  const page = await fillPage(walk, after, { view: viewOf(query), budget })
  const reached = page.reached ?? after
  const isWhole =
    page.more || scan.stoppedAt !== undefined || !isBehind(reached, end(query.until, head))
  return {
    content: { blocks: page.blocks },
    next: page.more
      ? { after: reached }
      : scan.stoppedAt === undefined
        ? undefined
        : { after: reached, key: scan.stoppedAt },
    complete: page.hole === undefined && isWhole && (head === null || !isAhead(since, head)),
  }
}

function end(until: Position | undefined, head: Position | null): Position | null {
  if (until === undefined || head === null) return head
  return isAhead(until, head) ? head : until
}

function isAhead(position: Position, head: Position): boolean {
  return comparePositions(position, head) > 0
}
