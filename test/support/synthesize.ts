import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * The template with settings of the test's choice in `cdkOut`, from the same sources and by the same program as every other. Throws with what the
 * program said when it refuses.
 */
export function synthesizeInto(cdkOut: string, context: Readonly<Record<string, unknown>>): string {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'infra/cloud/bin/gaugeline.ts'],
    {
      cwd: root,
      encoding: 'utf8',
      env: {
        ...process.env,
        CDK_OUTDIR: cdkOut,
        CDK_CONTEXT_JSON: JSON.stringify(context),
        CDK_VALIDATION: 'false',
      },
    },
  )
  if (status !== 0) throw new Error(`the template could not be made:\n${stderr}`)
  return cdkOut
}
