import type { Progress } from '../run/progress.ts'
import { durationText } from '../scenario/duration.ts'
import { number } from './table.ts'

const barWidth = 24

/** A run as it stands, in four lines of at most `width` characters. */
export function panelLines(progress: Progress, width: number): string[] {
  const { ack } = progress
  const generator = `lag p99 ${number(progress.scheduleLagP99Ms)} ms, event loop p99 ${number(progress.loopLagP99Ms)} ms, cpu ${progress.cpuPercent} %`
  const away = progress.present - progress.connected
  const percentiles =
    ack.count === 0
      ? 'none yet'
      : `p50 ${ack.percentile(50)}  p95 ${ack.percentile(95)}  p99 ${ack.percentile(99)} ms`
  return [
    `${progress.name}  ${stageText(progress)}  ${timeText(progress)}`,
    `devices    ${number(progress.connected)} of ${number(progress.present)} connected${away > 0 ? `, ${number(away)} not yet` : ''}; buffered ${number(progress.bufferedReadings)} (${number(progress.bufferedDevices)} devices), dropped ${number(progress.dropped)}, lost links ${number(progress.lost)}${faultText(progress)}`,
    `readings   ${number(Math.round(progress.duePerSecond))}/s due, ${number(Math.round(progress.ackedPerSecond))}/s acknowledged; from due to acknowledged ${percentiles}`,
    `GENERATOR ${progress.isSaturated ? 'SATURATED: too slow to be believed' : 'OK'}  ${generator}`,
  ].map((line) => line.slice(0, Math.max(20, width - 1)))
}

/** The same in one line, for a log. */
export function progressLine(progress: Progress): string {
  const { ack } = progress
  const p99 = ack.count === 0 ? '' : `, ack p99 ${ack.percentile(99)} ms`
  const { elapsedMs, totalMs } = progress
  const time =
    totalMs === undefined ? clock(elapsedMs) : `${clock(elapsedMs)} of ${durationText(totalMs)}`
  return `${time}  ${stageText(progress)}: ${number(progress.connected)} of ${number(progress.present)} devices, ${number(Math.round(progress.duePerSecond))}/s due, ${number(Math.round(progress.ackedPerSecond))}/s acknowledged${p99}, buffered ${number(progress.bufferedReadings)}, dropped ${number(progress.dropped)}${progress.isSaturated ? ', GENERATOR SATURATED' : ''}`
}

function stageText({ stage, stageOf, rate }: Progress): string {
  const place = stageOf === undefined ? '' : ` (${stageOf})`
  return `${stage}${place}${rate === 1 ? '' : ` at ${rate}x`}`
}

function timeText({ elapsedMs, totalMs }: Progress): string {
  if (totalMs === undefined) return clock(elapsedMs)
  const share = Math.min(1, elapsedMs / totalMs)
  const filled = Math.round(share * barWidth)
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
  return `${clock(elapsedMs)} of ${durationText(totalMs)}  ${bar} ${Math.floor(share * 100)} %`
}

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`
}

function faultText({ activeFaults }: Progress): string {
  return activeFaults === 0 ? '' : `; faults on ${number(activeFaults)} devices`
}
