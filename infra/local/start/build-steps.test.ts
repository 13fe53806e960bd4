import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { buildSteps } from './build-steps.ts'

let root: string
const write = (name: string, content: object): void => {
  writeFileSync(path.join(root, 'cdk.out', name), JSON.stringify(content))
}
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'gaugeline-steps-'))
  mkdirSync(path.join(root, 'cdk.out'))
  const properties = { stackName: 'Stack', templateFile: 'Stack.template.json' }
  write('manifest.json', {
    artifacts: { Stack: { type: 'aws:cloudformation:stack', properties } },
  })
  write('Stack.template.json', { Resources: {} })
  const destinations = { current: { objectKey: 'aa.zip' } }
  write('Stack.assets.json', { files: { aa: { source: { path: 'asset.aa.zip' }, destinations } } })
  writeFileSync(path.join(root, 'cdk.out/asset.aa.zip'), 'a')
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

const outputs = async (): Promise<readonly string[]> =>
  (await buildSteps.find(({ name }) => name === 'template')!.outputs(root)).toSorted()

test('the output of the template is what names the assets, not their megabytes', async () => {
  const names = ['Stack.assets.json', 'Stack.template.json', 'manifest.json']
  expect(await outputs()).toEqual(names.map((name) => path.join('cdk.out', name)))
})

test('an assembly without one of its assets counts as not there', async () => {
  rmSync(path.join(root, 'cdk.out/asset.aa.zip'))
  expect(await outputs()).toEqual([])
})
