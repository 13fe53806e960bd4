import { Stack } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { env } from '../../../backend/src/contract.ts'
import { demandEnvironment, grantDemand } from '../demand.ts'
import type { FunctionName } from '../bundle.ts'
import type { ExpiryQueue } from '../expiry-queue.ts'
import type { Foundation } from '../foundation.ts'
import type { TokenIssuer } from '../identity.ts'
import type { Environment } from '../environment.ts'
import { ServiceFunction } from '../service-function.ts'
import type { TableAccess } from '../tables.ts'
import { addRouteAlarms } from './route-alarms.ts'
import { type RouteGroup, Routes } from './routes.ts'
import type { SocketApi } from './socket-api.ts'

export interface RouteFunctionsProps {
  readonly foundation: Foundation
  readonly api: SocketApi
  readonly issuer: TokenIssuer
  readonly expiryQueue: ExpiryQueue
  /** Exact origins that may open a socket. */
  readonly allowedOrigins: readonly string[]
}

interface RouteFunctionDefinition {
  readonly name: FunctionName
  readonly description: string
  readonly tables: TableAccess
  readonly environment?: Environment
}

/** Behind a person's click: enough CPU that a cold start stays short. */
const MEMORY_MB = 512
/** Shorter than the integration's 10 s, so that the function's own error arrives first. */
const TIMEOUT_SECONDS = 9

/** The functions behind the WebSocket API, each with what it needs and nothing more, and their routes. */
export class RouteFunctions extends Construct {
  readonly authorizer: ServiceFunction
  /** Behind the routes of messages, not of a socket's begin and end. */
  readonly messageFunctions: readonly ServiceFunction[]
  readonly command: ServiceFunction
  readonly session: ServiceFunction
  readonly #props: RouteFunctionsProps

  constructor(scope: Construct, id: string, props: RouteFunctionsProps) {
    super(scope, id)
    this.#props = props
    const authorizer = this.#authorizer()
    const session = this.#session()
    const command = this.#command()
    const groups: readonly RouteGroup[] = [
      { target: this.#connect(), routeKeys: ['$connect'] },
      { target: this.#disconnect(), routeKeys: ['$disconnect'] },
      { target: session, routeKeys: ['$default', 'hello', 'ping', 'refresh', 'revoke'] },
      { target: this.#subscriptions(), routeKeys: ['subscribe', 'unsubscribe', 'history'] },
      { target: command, routeKeys: ['command'] },
      { target: this.#notes(), routeKeys: ['sendMessage'] },
      { target: this.#alarms(), routeKeys: ['alarms'] },
    ]
    this.authorizer = authorizer
    this.session = session
    this.command = command
    this.messageFunctions = groups
      .filter(({ routeKeys }) => !routeKeys.some((key) => /^\$(dis)?connect$/.test(key)))
      .map(({ target }) => target)
    new Routes(this, 'Routes', { api: props.api, authorizer, groups })
    addRouteAlarms(this, {
      api: props.api,
      authorizer,
      session,
      functions: groups.map(({ target }) => target),
      notifications: props.foundation.notifications,
    })
  }

  #authorizer(): ServiceFunction {
    const authorizer = this.#add({
      name: 'authorizer',
      description: 'Verifies the token of a new socket',
      tables: { connections: ['get'] },
      environment: this.#props.issuer.environment,
    })
    this.#props.foundation.tables.grantKeySets(authorizer)
    return authorizer
  }

  #connect(): ServiceFunction {
    const connect = this.#add({
      name: 'connect',
      description: 'Origin, caps, the row of a new connection',
      tables: { connections: ['read', 'write'] },
      environment: {
        [env.allowedOrigins]: this.#props.allowedOrigins.join(','),
        ...this.#props.expiryQueue.environment,
      },
    })
    this.#props.expiryQueue.grantSend(connect)
    return connect
  }

  #disconnect(): ServiceFunction {
    const { config } = this.#props.foundation
    const disconnect = this.#add({
      name: 'disconnect',
      description: 'Removes the rows of a closed connection',
      tables: { connections: ['read', 'write'], subscriptions: ['read', 'write'] },
      environment: demandEnvironment(config),
    })
    grantDemand(disconnect, config)
    return disconnect
  }

  #session(): ServiceFunction {
    const { api, issuer } = this.#props
    const session = this.#addLimited({
      name: 'session',
      description: 'hello, ping, refresh, revoke and unknown messages',
      tables: {
        connections: ['read', 'write'],
        subscriptions: ['read', 'write'],
        history: ['read'],
        alarms: ['read'],
      },
      environment: {
        ...issuer.environment,
        [env.managementEndpoint]: api.managementUrl,
      },
    })
    api.grantPost(session)
    return session
  }

  #subscriptions(): ServiceFunction {
    const { config } = this.#props.foundation
    const subscriptions = this.#addLimited({
      name: 'subscriptions',
      description: 'subscribe, unsubscribe and history',
      tables: {
        connections: ['read', 'write'],
        subscriptions: ['read', 'write'],
        history: ['read'],
      },
      environment: {
        [env.retentionHours]: String(config.retentionHours),
        ...demandEnvironment(config),
      },
    })
    grantDemand(subscriptions, config)
    return subscriptions
  }

  #command(): ServiceFunction {
    const { api } = this.#props
    const { partition, region, account } = Stack.of(this)
    const command = this.#addLimited({
      name: 'command',
      description: 'Sends a command to a device',
      tables: { connections: ['read', 'write'], commands: ['read', 'write'] },
      environment: { [env.managementEndpoint]: api.managementUrl },
    })
    command.allow(['iot:Publish'], [`arn:${partition}:iot:${region}:${account}:topic/cmd/*`])
    api.grantPost(command)
    return command
  }

  #notes(): ServiceFunction {
    const { api, foundation } = this.#props
    const notes = this.#addLimited({
      name: 'notes',
      description: 'A note to everybody who watches a topic',
      tables: {
        connections: ['read', 'write'],
        subscriptions: ['read'],
        // A note to the whole fleet reads which sites there are.
        history: ['read', 'put'],
      },
      environment: {
        [env.managementEndpoint]: api.managementUrl,
        [env.retentionHours]: String(foundation.config.retentionHours),
      },
    })
    api.grantPost(notes)
    return notes
  }

  #alarms(): ServiceFunction {
    const { api } = this.#props
    const { stackName } = Stack.of(this)
    const alarms = this.#addLimited({
      name: 'alarms',
      description: 'Lists, acknowledges, notes and shelves alarms',
      tables: {
        connections: ['read', 'write'],
        subscriptions: ['read', 'write'],
        alarms: ['read', 'write'],
      },
      environment: {
        [env.managementEndpoint]: api.managementUrl,
        [env.alarmPrefix]: `${stackName}-`,
      },
    })
    // Composite alarms are shown only to who may describe all alarms: any narrower resource is refused (DescribeAlarms, API reference).
    alarms.allow(['cloudwatch:DescribeAlarms'], ['*'])
    api.grantPost(alarms)
    return alarms
  }

  /** A route whose clients may be closed for writing too fast, by a message to `expire`. */
  #addLimited(definition: RouteFunctionDefinition): ServiceFunction {
    const { expiryQueue } = this.#props
    const environment = { ...definition.environment, ...expiryQueue.environment }
    const added = this.#add({ ...definition, environment })
    expiryQueue.grantSend(added)
    return added
  }

  #add({ name, description, tables, environment }: RouteFunctionDefinition): ServiceFunction {
    const { foundation } = this.#props
    const added = new ServiceFunction(this, `${name.charAt(0).toUpperCase()}${name.slice(1)}`, {
      foundation,
      name,
      description,
      environment: { ...foundation.tables.environment(tables), ...environment },
      memoryMb: MEMORY_MB,
      timeoutSeconds: TIMEOUT_SECONDS,
    })
    foundation.tables.grant(added, tables)
    return added
  }
}
