import { prices, type Billed } from './prices.ts'

export interface CostLine {
  readonly billed: Billed
  readonly units: number
  readonly dollars: number
}

/**
 * What the whole system takes of each unit for a reading, as `npm run bench -- cost` counted it on 2026-11-26 with 100 devices × 1 Hz and two
 * people who watch all of them (docs/cost.md). Other mixes have other figures: an estimate, not a bill.
 */
const countedPerReading: Partial<Record<Billed, number>> = {
  dynamoWriteUnit: 0.7207,
  dynamoReadUnit: 0.2043,
  webSocketMessage: 0.041,
  lambdaRequest: 0.01083,
  lambdaGbSecond: 0.000548,
  logsGb: 0.013 / 1e6,
}

/** IoT Core meters by 5 KB, a PUT unit of Kinesis is 25 KB. */
const meteredBytes = { iot: 5 * 1_024, kinesis: 25 * 1_024 }

/** What a run on AWS would cost by list prices, the dearest first. Devices publish to `dt/…`, not by Basic Ingest. */
export function costOf(run: {
  readonly readings: number
  readonly messageBytes: number
  readonly deviceSeconds: number
  readonly shards: number
  readonly seconds: number
}): CostLine[] {
  const { readings, messageBytes, deviceSeconds, shards, seconds } = run
  const iotUnits = readings * Math.ceil(messageBytes / meteredBytes.iot)
  const units: Partial<Record<Billed, number>> = {
    iotMessage: iotUnits,
    iotRule: iotUnits,
    iotAction: iotUnits,
    iotMinute: deviceSeconds / 60,
    kinesisPutUnit: readings * Math.ceil(messageBytes / meteredBytes.kinesis),
    kinesisShardHour: (shards * seconds) / 3_600,
  }
  for (const [billed, each] of Object.entries(countedPerReading)) {
    units[billed as Billed] = each * readings
  }
  return (Object.entries(units) as [Billed, number][])
    .map(([billed, count]) => ({ billed, units: count, dollars: count * prices[billed].dollars }))
    .sort((a, b) => b.dollars - a.dollars)
}
