import { readFileSync } from 'node:fs'

/** A client message as docs/protocol.md shows it. */
export interface ClientExample {
  readonly action: string
  readonly id: number
  readonly subscriptions?: readonly unknown[]
  readonly op?: string
  readonly alarm?: string
  readonly revision?: number
  readonly until?: number
  readonly token?: string
}

/** A server message as docs/protocol.md shows it. */
export interface ServerExample {
  readonly type: string
}

/** The text of docs/protocol.md. */
export const protocolPage = (): string =>
  readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')

/** The client examples of docs/protocol.md, in order. */
export const clientExamples = (): ClientExample[] => examplesOf('client') as ClientExample[]

/** The server examples of docs/protocol.md, in order. */
export const serverExamples = (): ServerExample[] => examplesOf('server') as ServerExample[]

function examplesOf(side: 'client' | 'server'): unknown[] {
  const blocks = protocolPage().matchAll(/```json (\w+)\n([\s\S]*?)```/g)
  return [...blocks].flatMap(([, of, text]) =>
    of === side ? [JSON.parse(text ?? '') as unknown] : [],
  )
}
