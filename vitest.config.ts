import { defineConfig } from 'vitest/config'
import SlowFirst from './test/support/slow-first.js'

export default defineConfig({
  test: {
    pool: 'forks',
    // A process for each file would load the same modules two hundred times.
    isolate: false,
    // Most of a test of processes is waiting.
    maxWorkers: 3,
    sequence: { sequencer: SlowFirst },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // The default second is short where another process is waited for.
    expect: { poll: { timeout: 60_000 } },
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
