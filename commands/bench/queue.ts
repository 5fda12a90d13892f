import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { settingsOf } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { ALONE, runScenario, scenarioCommand } from './scenario.js'

export function registerQueue(bench: Command, io: Io): void {
  const command = scenarioCommand(
    bench,
    'queue',
    'measure the queue under a backlog, and small tenants beside a giant, under keys and in databases of its own',
  )
    .option('--jobs <n>', 'jobs that do nothing', wholeNumber(100, 1_000_000), 50_000)
    .option('--tenants <n>', 'small tenants that wait beside the giant', wholeNumber(1, 10_000), 500)
    .option('--feeds-per-tenant <n>', 'feeds of each of them', wholeNumber(1, 1_000), 5)
    .option('--giant-feeds <n>', 'feeds of the giant', wholeNumber(1, 100_000), 5_000)
    .option('--workers <n>', 'processes that consume the queue', wholeNumber(1, 64), 2)
    .option('--repeat <n>', 'whole rounds', wholeNumber(1, 100), 3)
    .action((given, self) =>
      runScenario(io, self, { scenario: 'queue', hint: ALONE }, given, async load => {
        const [{ benchQueue }, { asText }] = await Promise.all([
          import('../../src/bench/queue/bench.js'),
          import('./queue-text.js'),
        ])
        const { env, signal } = io
        const result = await benchQueue({ operator: settingsOf(io), env, load, watcher: io, signal })
        return { result, asText }
      }),
    )
  examples(command, [
    'QUEUE_CONNECTION=redis CACHE_DRIVER=redis feedctl bench queue',
    'QUEUE_CONNECTION=redis CACHE_DRIVER=redis feedctl bench queue --repeat 3 --assert --json',
  ])
}
