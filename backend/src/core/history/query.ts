import type { ClientMessage, DeviceTopic, HistoryPage } from '../../protocol/index.ts'
import type { View } from '../selection/view.ts'
import type { Place } from './cursor.ts'
import type { Budget } from './page.ts'
import type { HistoryReader } from './ports.ts'

export type HistoryQuery = ClientMessage<'history'>

/** What every way of reading takes. */
export interface HistoryRead {
  readonly query: HistoryQuery
  readonly topic: DeviceTopic
  readonly place: Place
  readonly history: HistoryReader
  readonly budget: Budget
}

/** What every way of reading gives. */
export interface ReadPage {
  readonly content: Pick<HistoryPage, 'blocks' | 'buckets'>
  readonly next: Place | undefined
  /** False when something that should be there is not. */
  readonly complete: boolean
}

/** Rows of a history query are chosen by `metrics` and `where` only. */
export function viewOf({ metrics, where }: HistoryQuery): View {
  return { mode: 'complete', metrics, where }
}
