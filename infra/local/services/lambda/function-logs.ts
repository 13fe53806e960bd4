import type { FunctionConfig } from './config.ts'
import type { EnvironmentOutcome } from './environment.ts'

const SYSTEM_LEVELS = ['DEBUG', 'INFO', 'WARN']

/** What REPORT says of one invocation; times in milliseconds. */
export interface Report {
  readonly requestId: string
  readonly durationMs: number
  readonly initMs: number | undefined
  readonly outcome: EnvironmentOutcome
}

const ceil = Math.ceil
const twoDecimals = (ms: number) => ms.toFixed(2)

/** Lines that the platform writes before the function runs (LAMBDA-16 text, LAMBDA-17 JSON). */
export function startLines(config: FunctionConfig, requestId: string, nowMs: number): string[] {
  if (config.logFormat === 'Text') return [`START RequestId: ${requestId} Version: $LATEST`]
  if (!systemLogs(config, 'INFO')) return []
  return [platformLine(nowMs, 'platform.start', { requestId, version: '$LATEST' })]
}

/** Lines that the platform writes after the function has run (LAMBDA-16 text, LAMBDA-17 JSON). */
export function endLines(config: FunctionConfig, report: Report, nowMs: number): string[] {
  return config.logFormat === 'Text' ? textEnd(config, report) : jsonEnd(config, report, nowMs)
}

function textEnd(config: FunctionConfig, report: Report): string[] {
  const { requestId, outcome } = report
  const fatal = outcome.kind === 'failed' ? outcome.fatal : undefined
  const parts = [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${twoDecimals(report.durationMs)} ms`,
    `Billed Duration: ${ceil(report.durationMs + (report.initMs ?? 0))} ms`,
    `Memory Size: ${config.memoryMb} MB`,
    `Max Memory Used: ${outcome.memoryMb} MB`,
    ...(report.initMs === undefined ? [] : [`Init Duration: ${twoDecimals(report.initMs)} ms`]),
    ...(fatal === undefined ? [] : [`Status: ${fatal}`]),
    ...(fatal === 'error' && outcome.kind === 'failed'
      ? [`Error Type: ${outcome.error.errorType}`]
      : []),
  ]
  const lines = [`END RequestId: ${requestId}`, `${parts.join('\t')}\t`]
  if (fatal === 'timeout' && outcome.kind === 'failed')
    lines.unshift(outcome.error.errorMessage.replace(/^RequestId: (\S+) Error: /, '$1 '))
  return lines
}

function jsonEnd(config: FunctionConfig, report: Report, nowMs: number): string[] {
  const { outcome } = report
  const fatal = outcome.kind === 'failed' ? outcome.fatal : undefined
  if (!systemLogs(config, fatal === undefined ? 'INFO' : 'WARN')) return []
  return [
    platformLine(nowMs, 'platform.report', {
      requestId: report.requestId,
      metrics: {
        durationMs: Number(twoDecimals(report.durationMs)),
        billedDurationMs: ceil(report.durationMs + (report.initMs ?? 0)),
        memorySizeMB: config.memoryMb,
        maxMemoryUsedMB: outcome.memoryMb,
        ...(report.initMs !== undefined && { initDurationMs: Number(twoDecimals(report.initMs)) }),
      },
      status: fatal ?? 'success',
      ...(fatal === 'error' && outcome.kind === 'failed' && { errorType: outcome.error.errorType }),
    }),
  ]
}

function platformLine(nowMs: number, type: string, record: object): string {
  return JSON.stringify({ time: new Date(nowMs).toISOString(), type, record })
}

function systemLogs(config: FunctionConfig, level: string): boolean {
  return SYSTEM_LEVELS.indexOf(level) >= SYSTEM_LEVELS.indexOf(config.systemLogLevel)
}
