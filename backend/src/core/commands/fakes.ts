import { countCommand, emptyWindow, type CommandWindow } from './command-window.ts'
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
  const windows = new Map<string, CommandWindow>()
  const isOpen = ({ state }: Command): boolean => !['done', 'failed', 'expired'].includes(state)
  return {
    count(user, nowMs) {
      const { next, admission } = countCommand(windows.get(user) ?? emptyWindow, nowMs)
      windows.set(user, next)
      return Promise.resolve(admission)
    },
    create(command) {
      const key = `${command.user} ${command.key}`
      const before = commands.get(keys.get(key) ?? '')
      if (before) return Promise.resolve(before)
      keys.set(key, command.commandId)
      commands.set(command.commandId, command)
      return Promise.resolve('created')
    },
    findByKey: (user, key) => Promise.resolve(commands.get(keys.get(`${user} ${key}`) ?? '')),
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
