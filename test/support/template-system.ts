import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSystem, type System } from '../../infra/local/system.ts'

/**
 * The local runtime on a template without assets, in this process. Stopping it removes its directory. Throws StartError for what the
 * runtime refuses.
 */
export async function startTemplate(stackName: string, template: object): Promise<System> {
  const cdkOut = mkdtempSync(join(tmpdir(), 'gaugeline-template-'))
  const write = (name: string, content: object): void => {
    writeFileSync(join(cdkOut, name), JSON.stringify(content))
  }
  const remove = (): void => {
    rmSync(cdkOut, { recursive: true, force: true })
  }
  const properties = { stackName, templateFile: 'template.json' }
  write('template.json', template)
  write('manifest.json', {
    artifacts: { [stackName]: { type: 'aws:cloudformation:stack', properties } },
  })
  write(`${stackName}.assets.json`, { files: {} })
  try {
    const system = await startSystem({ cdkOut, localKey: 'any' })
    return { ...system, stop: () => system.stop().finally(remove) }
  } catch (error) {
    remove()
    throw error
  }
}
