/** The limits that server and clients share; sent to the client in `welcome.limits`. */
export const limits = {
  /** A client message, bytes of UTF-8. API Gateway itself closes at 32 KB a frame (APIGW-84). */
  messageBytes: 16_384,
  /** A server frame, bytes; stays under API Gateway's 32 KB frame and billing unit. */
  frameBytes: 28_672,
  messageDepth: 16,
  subscriptionsPerConnection: 200,
  subscriptionsPerUser: 1_000,
  subscriptionsPerMessage: 50,
  connectionsPerUser: 10,
  metricsPerSubscription: 32,
  filterLeaves: 16,
  filterDepth: 4,
  filterBytes: 2_048,
  maxHz: 10,
  historyPoints: 1_000,
  historySpanMs: 31 * 24 * 3_600_000,
  noteCharacters: 280,
  commandTtlMs: 300_000,
  commandArgsBytes: 1_024,
  /** Token bucket of one connection's messages. */
  messagesPerSecond: 10,
  messagesBurst: 40,
  commandsPerMinute: 60,
  /** The client pings this often; API Gateway closes an idle socket after 10 minutes (APIGW-87). */
  pingIntervalMs: 25_000,
  /** The client opens a new socket at this age, before the hard cut at 2 h (APIGW-88). */
  connectionAgeMs: 110 * 60_000,
  /** One telemetry payload, as IoT Core (IOT-2). */
  payloadBytes: 131_072,
  payloadDepth: 16,
  metricsPerReading: 64,
  readingsPerPayload: 500,
  metricNameCharacters: 64,
} as const
