import path from 'node:path'
import { StartError } from '../platform/errors.ts'
import { buildSteps } from './build-steps.ts'
import { build } from './build.ts'
import { progressLine } from './terminal.ts'

/**
 * The process of `npm run synth`: the dashboard and the template brought up to date, the directory printed on stdout. Returns the
 * exit code.
 */
export async function main(root: string): Promise<number> {
  const controller = new AbortController()
  const end = (): void => {
    controller.abort()
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  try {
    await build(buildSteps, {
      root,
      signal: controller.signal,
      validate: true,
      progress: (title, tookMs) => void process.stderr.write(progressLine(title, tookMs)),
    })
    process.stdout.write(`${path.join(root, 'cdk.out')}\n`)
    return 0
  } catch (error) {
    if (controller.signal.aborted) return 130
    if (!(error instanceof StartError)) throw error
    process.stderr.write(`npm run synth: ${error.message}\n`)
    return 1
  }
}
