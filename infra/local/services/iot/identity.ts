import { createHash } from 'node:crypto'
import type { Account } from '../../platform/types.ts'
import { decisionFor } from './policy.ts'
import type { IotPolicy } from './policy.ts'
import { parseBasicIngest } from './topics.ts'

export type TopicAction = 'iot:Publish' | 'iot:Receive' | 'iot:RetainPublish' | 'iot:Subscribe'

/** Who is behind a connection and what it may do. */
export interface Identity {
  /** Thumbprint of the certificate (IOT-48); undefined for the local developer, who has none. */
  readonly principal?: string
  readonly mayConnect: boolean
  /** `name`: a topic, or the filter of a subscription. Answers are remembered, so that the hot path is a look-up. */
  may(action: TopicAction, name: string): boolean
}

const REMEMBERED = 1000
const DEVELOPER_PREFIXES = ['dt/', 'cmd/']

/** Identity of a connection without a user name: any MQTT client on this machine, within `dt/`, `cmd/` and Basic Ingest. */
export function developerIdentity(): Identity {
  return {
    mayConnect: true,
    may: (_, name) => {
      const topic = parseBasicIngest(name)?.topic ?? name
      return DEVELOPER_PREFIXES.some((prefix) => topic.startsWith(prefix))
    },
  }
}

/**
 * Identity of the user name `thing:{site}/{thing}` or `thing:{thing}`: the stand-in on one machine for a client certificate attached
 * to that thing. The policies of the template decide. Undefined when the user name is not of that form.
 */
export function thingIdentity(
  username: string,
  options: {
    readonly clientId: string
    readonly policies: readonly IotPolicy[]
    readonly attributesOf: (thingName: string) => Readonly<Record<string, string>>
    readonly account: Account
  },
): Identity | undefined {
  const match = /^thing:(?:([A-Za-z0-9:_-]{1,128})\/)?([A-Za-z0-9:_-]{1,128})$/.exec(username)
  const thingName = match?.[2]
  if (thingName === undefined) return undefined
  const site = match?.[1]
  const attributes = { ...options.attributesOf(thingName), ...(site === undefined ? {} : { site }) }
  const { clientId, policies, account } = options
  // IOT-25: thing variables resolve only if the client id is the thing's name.
  const thing = clientId === thingName ? { thing: { name: thingName, attributes } } : {}
  const decide = decisionFor(policies, { clientId, ...thing })
  const arn = (resource: string): string =>
    `arn:aws:iot:${account.region}:${account.accountId}:${resource}`
  return {
    principal: createHash('sha256').update(thingName).digest('hex'),
    mayConnect: decide('iot:Connect', arn(`client/${clientId}`)),
    may: remembering((action, name) =>
      decide(action, arn(`${action === 'iot:Subscribe' ? 'topicfilter' : 'topic'}/${name}`)),
    ),
  }
}

function remembering(decide: Identity['may']): Identity['may'] {
  const answers = new Map<string, boolean>()
  return (action, name) => {
    const key = `${action} ${name}`
    const known = answers.get(key)
    if (known !== undefined) return known
    const answer = decide(action, name)
    if (answers.size >= REMEMBERED) answers.clear()
    answers.set(key, answer)
    return answer
  }
}
