import { defineConfig } from 'vitest/config'
import vue from '@vitejs/plugin-vue'

/** Projects: `unit` lies beside the code; the others are the folders of `test/`. Each runs alone with `vitest --project NAME`. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{backend,infra,simulator}/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'infra/cloud/**'],
        },
      },
      {
        test: {
          name: 'cloud',
          include: ['infra/cloud/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [vue()],
        test: {
          name: 'dashboard',
          environment: 'happy-dom',
          include: ['dashboard/**/*.test.ts'],
          exclude: ['**/node_modules/**'],
        },
      },
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeout: 30_000 } },
      {
        test: {
          name: 'conformance',
          include: process.env['GAUGELINE_CONFORMANCE']
            ? ['test/conformance/**/*.target.test.ts']
            : ['test/conformance/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
