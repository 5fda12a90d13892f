import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { settingsOf } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { refuseMisses } from './verdicts.js'

export function registerQueue(bench: Command, io: Io): void {
  const command = bench
    .command('queue')
    .description('measure the queue under a backlog, and small tenants beside a giant, under keys and in databases of its own')
    .option('--jobs <n>', 'jobs that do nothing', wholeNumber(100, 1_000_000), 50_000)
    .option('--tenants <n>', 'small tenants that wait beside the giant', wholeNumber(1, 10_000), 500)
    .option('--feeds-per-tenant <n>', 'feeds of each of them', wholeNumber(1, 1_000), 5)
    .option('--giant-feeds <n>', 'feeds of the giant', wholeNumber(1, 100_000), 5_000)
    .option('--workers <n>', 'processes that consume the queue', wholeNumber(1, 64), 2)
    .option('--repeat <n>', 'whole rounds', wholeNumber(1, 100), 1)
    .option('--assert', 'exit 8 when a target is missed or a figure is not valid')
    .action(async ({ assert, ...load }) => {
      const [{ benchQueue }, { asText }] = await Promise.all([
        import('../../src/bench/queue/bench.js'),
        import('./queue-text.js'),
      ])
      const { env, signal } = io
      const result = await benchQueue({ operator: settingsOf(io), env, load, watcher: io, signal })
      io.print(result, asText)
      if (assert) refuseMisses(result.rows, 'nothing else on this machine meanwhile, and --repeat 3')
    })
  examples(command, [
    'QUEUE_CONNECTION=redis CACHE_DRIVER=redis feedctl bench queue',
    'QUEUE_CONNECTION=redis CACHE_DRIVER=redis feedctl bench queue --repeat 3 --assert --json',
  ])
}
