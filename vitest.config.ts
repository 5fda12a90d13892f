import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', './test/support/summary-reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'all',
          include: ['test/**/*.test.ts'],
          exclude: ['test/borders/**'],
          globalSetup: ['test/support/global-servers.ts'],
        },
      },
      { extends: true, test: { name: 'borders', include: ['test/borders/**/*.test.ts'] } },
    ],
  },
})
