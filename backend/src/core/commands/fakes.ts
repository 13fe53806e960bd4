import { limits } from '../../protocol/index.ts'
import type { Command, Commands } from './ports.ts'

const NOW = Date.UTC(2026, 0, 1)

export const commandOf = (change: Partial<Command> = {}): Command => ({
  commandId: 'cmd-1',
  key: 'key-1',
  bodyHash: 'hash-1',
  user: 'ana',
  topic: 'plant-1/pump-7',
  name: 'setInterval',
  args: { ms: 500 },
  state: 'accepted',
  at: NOW,
  createdAt: NOW,
  expiresAt: NOW + 30_000,
  ...change,
})

/** Commands in memory; passes the same contract suite as DynamoDB's (test/contract). */
export function memoryCommands(): Commands {
  const commands = new Map<string, Command>()
  const keys = new Map<string, string>()
  const counts = new Map<string, number>()
  const isOpen = ({ state }: Command): boolean => !['done', 'failed', 'expired'].includes(state)
  return {
    countMinute(user, nowMs) {
      const minute = `${user} ${Math.floor(nowMs / 60_000)}`
      const count = counts.get(minute) ?? 0
      if (count >= limits.commandsPerMinute) return Promise.resolve('limited')
      counts.set(minute, count + 1)
      return Promise.resolve('counted')
    },
    create(command) {
      const key = `${command.user} ${command.key}`
      const before = commands.get(keys.get(key) ?? '')
      if (before) return Promise.resolve(before)
      keys.set(key, command.commandId)
      commands.set(command.commandId, command)
      return Promise.resolve('created')
    },
    find: (id) => Promise.resolve(commands.get(id)),
    move(id, from, change) {
      const command = commands.get(id)
      if (!command) return Promise.resolve(undefined)
      if (!from.includes(command.state)) return Promise.resolve({ moved: false, command })
      const next = { ...command, ...change }
      commands.set(id, next)
      return Promise.resolve({ moved: true, command: next })
    },
    overdue: (nowMs) =>
      Promise.resolve(
        [...commands.values()]
          .filter((command) => isOpen(command) && command.expiresAt < nowMs)
          .map(({ commandId }) => commandId),
      ),
  }
}
