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

/** The client examples of docs/protocol.md, in order. */
export function clientExamples(): ClientExample[] {
  const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
  return [...page.matchAll(/```json client\n([\s\S]*?)```/g)].map(
    ([, text]) => JSON.parse(text ?? '') as ClientExample,
  )
}
