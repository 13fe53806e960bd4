import type { AlarmPush } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { Sockets } from '../connections/ports.ts'
import { runPool } from '../run-pool.ts'
import type { AlarmWatchers } from './ports.ts'

const POSTS_AT_ONCE = 20

export interface PushPorts {
  readonly watchers: AlarmWatchers
  readonly sockets: Sockets
  readonly clock: Clock
}

/** Tells every watcher, a bounded number at a time; whoever is gone watches no more. Returns how many were told. */
export async function pushAlarm(
  push: AlarmPush,
  ports: PushPorts,
  except?: string,
): Promise<number> {
  const frame = JSON.stringify(push)
  const waiting = (await ports.watchers.all(ports.clock.now())).filter((id) => id !== except)
  const gone: string[] = []
  let told = 0
  await runPool(waiting, POSTS_AT_ONCE, async (id) => {
    const outcome = await ports.sockets.post(id, frame)
    if (outcome === 'ok') told++
    if (outcome === 'gone') gone.push(id)
  })
  // After everybody has been told: a row that cannot be removed must cost nobody his alarm.
  await runPool(gone, POSTS_AT_ONCE, (id) => ports.watchers.remove(id))
  return told
}
