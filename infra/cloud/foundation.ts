import type { RemovalPolicy } from 'aws-cdk-lib'
import type { Bundle } from './bundle.ts'
import type { Config } from './config.ts'
import type { Notifications } from './monitoring/notifications.ts'
import type { Tables } from './tables.ts'

/** What every component of the stack is built on. */
export interface Foundation {
  readonly config: Config
  readonly bundle: Bundle
  readonly tables: Tables
  readonly notifications: Notifications
  /** Of what holds no data anybody would miss: logs, queues, the site's files. */
  readonly disposable: RemovalPolicy
}
