import { fileURLToPath } from 'node:url'
import { build } from '../../infra/local/start/build.ts'
import { buildSteps } from '../../infra/local/start/build-steps.ts'

/** Vitest's `globalSetup` of the projects that read `cdk.out`: builds what is missing or old, as a person's first start does. */
export async function setup(): Promise<void> {
  await build(buildSteps, {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    signal: new AbortController().signal,
    validate: false,
    progress: () => undefined,
  })
}
