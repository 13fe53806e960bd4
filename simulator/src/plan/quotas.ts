/**
 * Quotas of AWS IoT Core and Kinesis that a run may meet (IOT-4–IOT-7, KINESIS-1; defaults of an account, some Regions have less). Only
 * some can be raised.
 */
export const quotas = {
  publishesPerConnection: {
    text: 'publishes/s of one connection; the excess is thrown away',
    limit: 100,
    isAdjustable: false,
  },
  bytesPerConnection: {
    text: 'bytes/s of one connection',
    limit: 512 * 1_024,
    isAdjustable: false,
  },
  connects: { text: 'connects/s of the account', limit: 500, isAdjustable: true },
  subscriptions: {
    text: 'subscriptions/s of the account, two a device',
    limit: 500,
    isAdjustable: false,
  },
  publishes: { text: 'publishes/s of the account', limit: 20_000, isAdjustable: true },
  connections: { text: 'connections of the account', limit: 500_000, isAdjustable: true },
} as const

export type QuotaName = keyof typeof quotas

/** What one shard of the stream takes a second (KINESIS-1). */
export const shardLimits = { records: 1_000, bytes: 1_048_576 } as const
