/**
 * Names that the CDK app and the handlers must agree on. Imports nothing.
 *
 * A metric is named once here; the handler emits it and the construct alarms on it.
 */

/** Environment variables of the functions. Each function gets only those it needs. */
export const env = {
  connectionsTable: 'CONNECTIONS_TABLE',
  subscriptionsTable: 'SUBSCRIPTIONS_TABLE',
  historyTable: 'HISTORY_TABLE',
  rejectsTable: 'REJECTS_TABLE',
  commandsTable: 'COMMANDS_TABLE',
  alarmsTable: 'ALARMS_TABLE',
  /**
   * `https://{api}.execute-api.{region}.amazonaws.com/{stage}`: where posts to connections go. The SDK reads this standard variable
   * by itself (MGMT-16), so no handler builds the address and one machine only has to set another value.
   */
  managementEndpoint: 'AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI',
  /** URL of the queue that expiryQueue `expire` when a connection's token ends. */
  expiryQueueUrl: 'EXPIRY_QUEUE_URL',
  /** The stream that the topic rules write to. */
  streamName: 'STREAM_NAME',
  issuer: 'ISSUER',
  audience: 'AUDIENCE',
  jwksUri: 'JWKS_URI',
  /** Comma-separated exact origins that may open a socket. */
  allowedOrigins: 'ALLOWED_ORIGINS',
  retentionHours: 'RETENTION_HOURS',
  /** `on`: devices are told how many watch them. */
  demandMessages: 'DEMAND_MESSAGES',
  alarmPrefix: 'ALARM_PREFIX',
  logLevel: 'POWERTOOLS_LOG_LEVEL',
} as const

/** Table keys and their TTL attribute. Every table: partition key `pk`, sort key `sk`, both strings; TTL attribute `ttl`, epoch seconds. */
export const tableKeys = { partitionKey: 'pk', sortKey: 'sk', ttl: 'ttl' } as const

/** Partition of the Connections table that holds the issuers' key sets: all that the authorizer may write (`dynamodb:LeadingKeys`). */
export const KEY_SETS_PARTITION = 'key-sets'

/** CloudWatch namespace of the product's own metrics (EMF). */
export const METRICS_NAMESPACE = 'Gaugeline'

/** The one dimension of every metric: which function emitted it. No per-device dimension, ever (cost, cardinality). */
export const METRICS_DIMENSION = 'service'

/** Values of {@link METRICS_DIMENSION}: POWERTOOLS_SERVICE_NAME of each function. */
export const services = {
  authorizer: 'authorizer',
  connect: 'connect',
  disconnect: 'disconnect',
  session: 'session',
  subscriptions: 'subscriptions',
  command: 'command',
  notes: 'notes',
  alarms: 'alarms',
  deliver: 'deliver',
  alarmEvents: 'alarm-events',
  redrive: 'redrive',
  expire: 'expire',
  sweeper: 'sweeper',
  preToken: 'pre-token',
} as const

export const metrics = {
  /** Emitted by deliver. */
  readingsReceived: 'ReadingsReceived',
  readingsRejected: 'ReadingsRejected',
  readingsDelivered: 'ReadingsDelivered',
  readingsShed: 'ReadingsShed',
  /** Dropped: the device published them before. */
  readingsDuplicate: 'ReadingsDuplicate',
  /** Dropped: the device published another reading with the same boot and counter before (PAYLOAD-32). */
  sequenceConflicts: 'SequenceConflicts',
  /** Readings whose payload names another device than their topic, which counts (PAYLOAD-34). */
  deviceMismatches: 'DeviceMismatches',
  postsOk: 'PostsOk',
  postsGone: 'PostsGone',
  postsThrottled: 'PostsThrottled',
  postsSlow: 'PostsSlow',
  postsFailed: 'PostsFailed',
  postsForbidden: 'PostsForbidden',
  /** Broker time → post accepted, ms. */
  deliveryLatency: 'DeliveryLatency',
  subscriptionsRead: 'SubscriptionsRead',
  gapNotices: 'GapNotices',
  heartbeat: 'Heartbeat',
  /** Emitted by redrive: records that came onto the stream in their second attempt. */
  recordsRedriven: 'RecordsRedriven',
  /** Emitted by the sweeper. */
  connections: 'Connections',
  subscriptions: 'Subscriptions',
  zombieRows: 'ZombieRows',
  /** Seconds; absent when no device has sent for a day. */
  newestReadingAge: 'NewestReadingAge',
  /** Emitted by the authorizer. */
  connectAllowed: 'ConnectAllowed',
  connectDenied: 'ConnectDenied',
  /** Handshakes that got no verdict, because the issuer's keys could not be had. */
  connectUndecided: 'ConnectUndecided',
  jwksFetches: 'JwksFetches',
  jwksFetchFailed: 'JwksFetchFailed',
  jwksStaleSeconds: 'JwksStaleSeconds',
  /** Emitted by the route functions. */
  messagesRejected: 'MessagesRejected',
  /** Messages answered with INTERNAL or OVERLOADED: our fault, not the sender's. */
  messagesFailed: 'MessagesFailed',
  rateLimited: 'RateLimited',
  entitlementDenied: 'EntitlementDenied',
  commandsSent: 'CommandsSent',
  commandsExpired: 'CommandsExpired',
} as const

/** The `kind` that a topic rule's SQL puts on what it writes to the stream. */
export const recordKinds = {
  telemetry: 'telemetry',
  result: 'result',
  presence: 'presence',
} as const

/**
 * What a topic rule writes to the stream (JSON): `{kind, topic, clientId, ts, data}`; `ts` = broker time in epoch ms,
 * `data` = the device's bytes in base64, so that a bad payload cannot fail in SQL and every original can be kept.
 */
export interface StreamRecord {
  readonly kind: keyof typeof recordKinds
  readonly topic: string
  readonly clientId: string
  readonly ts: number
  readonly data: string
  /** 1: `deliver` gave up on the record before, and `redrive` put it back; there is no second time. */
  readonly redriven?: number
  /** Where a redriven record stood the first time: what of it had been kept by then is known by this. */
  readonly origin?: { readonly arrivalMs: number; readonly sequenceNumber: string }
}

/** Keys of the authorizer's context: strings in `requestContext.authorizer` of every later event (APIGW-68). */
export const authorizerContext = {
  user: 'user',
  roles: 'roles',
  devices: 'devices',
  expiresAt: 'expiresAt',
  /** Epoch seconds, the token's `iat`: a user's revocation ends the tokens issued up to then. */
  issuedAt: 'issuedAt',
  tokenId: 'tokenId',
  issuer: 'issuer',
} as const
