import { type Command, Option } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { settingsOf } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { refuseMisses } from './verdicts.js'

export function registerSync(bench: Command, io: Io): void {
  const command = bench
    .command('sync')
    .description('measure cold and warm syncs of generated tenants, on the configured drivers, in databases of its own')
    .option('--tenants <n>', 'tenants', wholeNumber(1, 50_000), 100)
    .option('--feeds-per-tenant <n>', 'feeds of each tenant', wholeNumber(1, 1_000), 10)
    .option('--distinct <n>', 'sources that the feeds are drawn from (default: one per feed)', wholeNumber(1, 1_000_000))
    .option('--items <n>', 'posts per feed', wholeNumber(1, 10_000), 30)
    .option('--item-bytes <n>', 'average length of a post, bytes', wholeNumber(1, 1_048_576), 1_500)
    .option('--latency-ms <n>', 'how long the feed server waits before each answer', wholeNumber(0, 60_000), 0)
    .option('--workers <n>', 'processes that consume the queue (QUEUE_CONNECTION=redis)', wholeNumber(1, 64), 2)
    .option('--repeat <n>', 'whole rounds, each in databases of its own', wholeNumber(1, 100), 1)
    .addOption(
      new Option('--placement <kind>', 'where the tenants live (default: FEEDCTL_PLACEMENT)').choices([
        'dedicated',
        'shared',
      ] as const),
    )
    .option('--keep', 'leave the databases, files and keys, and say where they are')
    .option('--assert', 'exit 8 when a target is missed or a figure is not valid')
    .action(async ({ keep, assert, ...options }) => {
      const [{ benchSync }, { asText }] = await Promise.all([import('../../src/bench/sync/bench.js'), import('./sync-text.js')])
      const operator = settingsOf(io)
      const load = {
        ...options,
        distinct: options.distinct ?? options.tenants * options.feedsPerTenant,
        placement: options.placement ?? operator.placement,
      }
      const { env, signal } = io
      const result = await benchSync({ operator, env, load, keep: keep === true, watcher: io, signal })
      io.print(result, asText)
      if (assert) refuseMisses(result.rows, 'nothing else on this machine meanwhile, and --repeat 3')
    })
  examples(command, [
    'feedctl bench sync',
    'feedctl bench sync --tenants 1000 --distinct 2000 --assert',
    'DB_CONNECTION=mysql CACHE_DRIVER=redis QUEUE_CONNECTION=redis feedctl bench sync --workers 2 --repeat 3 --json',
  ])
}
