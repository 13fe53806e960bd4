import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** The settings of `cdk.json` at the root, for when it is not the CDK CLI that runs us; empty without the file. Throws SyntaxError when it is not JSON. */
export function savedContext(root: string): Readonly<Record<string, unknown>> {
  const file = path.join(root, 'cdk.json')
  if (!existsSync(file)) return {}
  const { context } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly context?: Readonly<Record<string, unknown>>
  }
  return context ?? {}
}

/** Whether alarms reach anybody: by an option of the command line, by what is saved, or nobody on purpose. */
export function isSomebodyTold(
  options: readonly string[],
  saved: Readonly<Record<string, unknown>>,
): boolean {
  return (
    options.some((option) => option.startsWith('alarmEmail=')) ||
    options.includes('--without-alarm-email') ||
    typeof saved['alarmEmail'] === 'string'
  )
}
