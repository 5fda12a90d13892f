import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { settingsOf } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { ALONE, runScenario, scenarioCommand } from './scenario.js'

export function registerApi(bench: Command, io: Io): void {
  const command = scenarioCommand(
    bench,
    'api',
    'measure a real `feedctl serve` beside a bare server of the same bytes, with many users, and without its cache',
  )
    .option('--tenants <n>', 'tenants who ask', wholeNumber(1, 10_000), 20)
    .option('--connections <n>', 'users who ask at once; from 5,000 on: connections held open', wholeNumber(1, 250_000), 1_000)
    .option('--rate <n>', 'requests per second of the open loop', wholeNumber(1, 1_000_000), 3_000)
    .option('--workers <n>', 'processes of the API (default: 1, or 2 where connections are held)', wholeNumber(1, 64))
    .option('--nginx', 'three processes behind nginx beside one, too')
    .option('--duration <s>', 'how long each figure is measured, seconds', wholeNumber(1, 3_600), 10)
    .option('--repeat <n>', 'whole rounds', wholeNumber(1, 100), 3)
    .action((given, self) =>
      runScenario(io, self, { scenario: 'api', hint: ALONE }, given, async ({ workers, nginx = false, ...given }) => {
        const [{ benchApi }, { HELD_FROM }, { asText }] = await Promise.all([
          import('../../src/bench/api/bench.js'),
          import('../../src/bench/api/load.js'),
          import('./api-text.js'),
        ])
        const load = { ...given, nginx, workers: workers ?? (given.connections < HELD_FROM ? 1 : 2) }
        const { env, signal } = io
        const result = await benchApi({ operator: settingsOf(io), env, load, watcher: io, signal })
        return { result, asText }
      }),
    )
  examples(command, [
    'feedctl bench api',
    'DB_CONNECTION=mysql CACHE_DRIVER=redis feedctl bench api --repeat 3 --assert --json',
    'feedctl bench api --connections 25000 --workers 2',
  ])
}
