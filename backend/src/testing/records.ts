import type { Connection } from '../core/connections/ports.ts'
import type { StreamItem } from '../core/telemetry/decode-record.ts'

/** The beginning of time in tests: 2026-01-01. */
export const START_MS = Date.UTC(2026, 0, 1)

interface RecordOptions {
  readonly kind?: string
  readonly topic?: string
  readonly clientId?: string
  /** Broker time, epoch ms. */
  readonly brokerMs?: number
  readonly arrivalMs?: number
  readonly shardId?: string
}

/** A stream record as the topic rules write it; `payload` is text, bytes, or a value to write as JSON. */
export function streamItem(
  sequence: number | bigint,
  payload: unknown,
  options: RecordOptions = {},
): StreamItem {
  const topic = options.topic ?? 'dt/plant-1/pump-7/telemetry'
  const brokerMs = options.brokerMs ?? START_MS + Number(sequence) * 100
  const record = {
    kind: options.kind ?? 'telemetry',
    topic,
    clientId: options.clientId ?? topic.split('/')[2] ?? '',
    ts: brokerMs,
    data: bytesOf(payload).toString('base64'),
  }
  return {
    shardId: options.shardId ?? 'shardId-000000000000',
    sequenceNumber: (
      49_590_338_271_490_256_608_559_692_538n * 10n ** 27n +
      BigInt(sequence)
    ).toString(),
    arrivalMs: options.arrivalMs ?? brokerMs + 4,
    data: Buffer.from(JSON.stringify(record)),
  }
}

function bytesOf(payload: unknown): Buffer {
  if (payload instanceof Uint8Array) return Buffer.from(payload)
  return Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
}

/** An open connection of `ana`, who may see plant-1. */
export function connection(changes: Partial<Connection> = {}): Connection {
  return {
    connectionId: 'BFaT_fALIAMCKug=',
    user: 'ana',
    roles: ['operator'],
    devices: ['plant-1/#'],
    expiresAt: START_MS / 1_000 + 3_600,
    issuedAt: START_MS / 1_000 - 60,
    tokenId: 'token-1',
    issuer: 'https://issuer.example',
    connectedAt: START_MS - 60_000,
    lastSeenAt: START_MS,
    revision: 1,
    ...changes,
  }
}
