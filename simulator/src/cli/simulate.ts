import { styleText } from 'node:util'
import { buildReport } from '../report/build-report.ts'
import { reportText } from '../report/report-text.ts'
import type { LoadReport } from '../report/schema.ts'
import { runScenario, type RunOptions, type RunResult } from '../run/run-scenario.ts'
import { adaptScenario } from '../scenario/adapt.ts'
import { describeScenario } from '../scenario/describe.ts'
import type { Scenario } from '../scenario/schema.ts'
import { compileThresholds } from '../thresholds/thresholds.ts'
import type { RunFlags } from './flags.ts'
import { LiveView } from './live-view.ts'
import { readEndpoints } from './local-state.ts'
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
  const url = brokerOf(flags)
  const compiled = compileThresholds(scenario.thresholds, {
    hasVerify: scenario.verify !== undefined,
  })
  const thresholds = 'thresholds' in compiled ? compiled.thresholds : []
  const secureContext = secureContextOf(flags, { url, directory: terminal.directory })
  const files = openFiles(flags, terminal.directory)
  try {
    terminal.err(
      `${scenario.name}: ${describeScenario(scenario)}, seed ${scenario.seed}, to ${url}\n`,
    )
    const identify = flags.anonymous !== true
    const options = { url, identify, secureContext, thresholds, label: files.label }
    const result = await runWithView(scenario, options, { flags, terminal })
    const command = repeatCommand(args, { seed: scenario.seed, mqtt: url })
    const report = buildReport(result, { scenario, thresholds, target: url, command })
    show(report, { flags, terminal, files })
    return report.exitCode
  } finally {
    files.close()
  }
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
  const observer = await openObserver(scenario, flags, { terminal, log })
  try {
    return await runScenario(scenario, {
      ...options,
      signal: terminal.signal,
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

function brokerOf({ mqtt, stateDir }: RunFlags): string {
  if (mqtt !== undefined) return mqtt
  const instead = 'name a broker with --mqtt mqtt://host:1883'
  return readEndpoints(stateDir, { instead }).mqtt
}

function show(
  report: LoadReport,
  { flags, terminal, files }: { flags: RunFlags; terminal: Terminal; files: Files },
): void {
  files.report(report)
  terminal.out(
    flags.json === true
      ? `${JSON.stringify(report)}\n`
      : reportText(report, terminal.hasColour === true ? paint : undefined),
  )
  // The last line is the reason for who only sees how a run ended: a CI log, or npm start with its fleet.
  if (report.exitCode !== 0) terminal.err(`simulate: ${report.verdict}: ${report.reason}\n`)
}

function paint(text: string, isGood: boolean): string {
  return styleText(isGood ? 'green' : 'red', text)
}
