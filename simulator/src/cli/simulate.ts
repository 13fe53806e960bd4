import { styleText } from 'node:util'
import { UsageError } from '../errors.ts'
import { buildReport } from '../report/build-report.ts'
import { reportText } from '../report/report-text.ts'
import type { LoadReport } from '../report/schema.ts'
import { runScenario, type RunOptions, type RunResult } from '../run/run-scenario.ts'
import { adaptScenario } from '../scenario/adapt.ts'
import { describeScenario } from '../scenario/describe.ts'
import type { Scenario } from '../scenario/schema.ts'
import { defaultThresholds } from '../thresholds/default-thresholds.ts'
import { compileThresholds, type Threshold } from '../thresholds/thresholds.ts'
import { brokerOf } from './broker.ts'
import type { RunFlags } from './flags.ts'
import { LiveView } from './live-view.ts'
import { openObserver } from './open-observer.ts'
import { openFiles, type Files } from './output-files.ts'
import { repeatCommand } from './repeat-command.ts'
import { secureContextOf } from './secure-context.ts'
import type { Terminal } from './terminal.ts'

/** Runs a scenario and reports. Returns the exit code. */
export async function simulate(
  written: Scenario,
  flags: RunFlags,
  { args, terminal }: { readonly args: readonly string[]; readonly terminal: Terminal },
): Promise<number> {
  const scenario = adaptScenario(written, flags)
  const broker = brokerOf(flags, terminal)
  const { url } = broker
  if (flags.start !== undefined && scenario.verify) {
    throw new UsageError(
      '--start gives readings another time than that of their sending, so that verify has no latency; leave one of them out',
    )
  }
  const thresholds = thresholdsOf(scenario)
  const secureContext = secureContextOf(flags, { url, directory: terminal.directory })
  const files = openFiles(flags, terminal.directory)
  try {
    terminal.err(
      `${scenario.name}: ${describeScenario(scenario)}, seed ${scenario.seed}, to ${url}\n`,
    )
    const identify = flags.anonymous !== true
    const { start } = flags
    const options = { ...broker, start, identify, secureContext, thresholds, label: files.label }
    const result = await runWithView(scenario, options, { flags, terminal })
    const command = repeatCommand(args, { seed: scenario.seed, mqtt: url })
    const report = buildReport(result, { scenario, thresholds, target: url, command })
    return show(report, { flags, terminal, files })
  } finally {
    files.close()
  }
}

/** Those of the scenario, and what holds of every run. */
function thresholdsOf({ thresholds, verify }: Scenario): readonly Threshold[] {
  const hasVerify = verify !== undefined
  const compiled = compileThresholds(thresholds, { hasVerify })
  const own = 'thresholds' in compiled ? compiled.thresholds : []
  return [...own, ...defaultThresholds(thresholds, { hasVerify })]
}

async function runWithView(
  scenario: Scenario,
  options: Omit<RunOptions, 'signal' | 'log' | 'watch' | 'observer'>,
  { flags, terminal }: { readonly flags: RunFlags; readonly terminal: Terminal },
): Promise<RunResult> {
  const view = new LiveView(terminal)
  const log: RunOptions['log'] = (event, facts) => {
    view.event(event, facts)
  }
  const { secureContext } = options
  const observer = await openObserver(scenario, flags, { terminal, log, secureContext })
  try {
    return await runScenario(scenario, {
      ...options,
      signal: terminal.signal,
      hurry: terminal.hurry,
      log,
      watch: (progress) => {
        view.update(progress)
      },
      observer,
    })
  } finally {
    view.close()
  }
}

function show(
  report: LoadReport,
  { flags, terminal, files }: { flags: RunFlags; terminal: Terminal; files: Files },
): number {
  files.report(report)
  terminal.out(
    flags.json === true
      ? `${JSON.stringify(report)}\n`
      : reportText(report, terminal.hasColour === true ? paint : undefined),
  )
  // The last line is the reason for who only sees how a run ended: a CI log, or npm start with its fleet.
  if (report.exitCode !== 0) terminal.err(`simulate: ${report.verdict}: ${report.reason}\n`)
  const problem = files.problem()
  if (problem === undefined) return report.exitCode
  terminal.err(`simulate: ${problem}; the report is complete on stdout\n`)
  return report.exitCode === 0 ? 1 : report.exitCode
}

function paint(text: string, isGood: boolean): string {
  return styleText(isGood ? 'green' : 'red', text)
}
