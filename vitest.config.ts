import { defineConfig } from 'vitest/config'
import vue from '@vitejs/plugin-vue'
import { LongFilesFirst } from './test/support/long-files-first.ts'

/**
 * The files of these projects share a process, one after another, so that each loads only what the ones before it have not. They keep to
 * themselves: what a file puts into the process (environment, timers) it takes back.
 */
const shared = {
  isolate: false,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // A bound for a machine that has other things to do, no time that anything should take.
  expect: { poll: { timeout: 15_000 } },
}

/** Tests of whole systems. */
const whole = {
  testTimeout: 120_000,
  hookTimeout: 180_000,
  expect: { poll: { timeout: 15_000 } },
}

/** Each file starts its own, in a process of its own: what one leaves behind must not be another one's trouble. */
const own = { ...whole, globalSetup: ['test/support/build-setup.ts'] }

/** Projects: `unit` lies beside the code; the others are the folders of `test/`. Each runs alone with `vitest --project NAME`. */
export default defineConfig({
  test: {
    sequence: { sequencer: LongFilesFirst },
    slowTestThreshold: 10_000,
    // Output of what passed helps nobody.
    silent: 'passed-only',
    // One warning, about Node 20, from each process that loads the SDK.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['{backend,infra,simulator}/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'infra/cloud/**'],
        },
      },
      {
        test: {
          ...shared,
          name: 'cloud',
          include: ['infra/cloud/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        plugins: [vue()],
        test: {
          ...shared,
          name: 'dashboard',
          environment: 'happy-dom',
          include: ['dashboard/**/*.test.ts'],
          exclude: ['**/node_modules/**'],
        },
      },
      { test: { ...shared, name: 'contract', include: ['test/contract/**/*.test.ts'] } },
      {
        test: {
          ...shared,
          name: 'conformance',
          include: process.env['GAUGELINE_CONFORMANCE']
            ? ['test/conformance/**/*.target.test.ts']
            : ['test/conformance/**/*.test.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'conformance-target',
          include: ['test/conformance/**/*.target.test.ts'],
          globalSetup: ['test/conformance/fixture/target-setup.ts'],
        },
      },
      {
        test: {
          ...whole,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: [
            'test/support/build-setup.ts',
            'test/support/browser.ts',
            'test/support/shared-system-setup.ts',
          ],
          // One system for all of them, one after another.
          isolate: false,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...own,
          name: 'systems',
          include: ['test/systems/**/*.test.ts'],
          globalSetup: [...own.globalSetup, 'test/support/browser.ts'],
        },
      },
      { test: { ...own, name: 'faults', include: ['test/faults/**/*.test.ts'] } },
    ],
  },
})
