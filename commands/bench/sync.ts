import { type Command, Option } from '@commander-js/extra-typings'
import { sourcesOf } from '../../src/bench/sizes.js'
import type { Io } from '../../src/cli/io.js'
import { settingsOf } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { ALONE, runScenario, scenarioCommand } from './scenario.js'

export function registerSync(bench: Command, io: Io): void {
  const command = scenarioCommand(
    bench,
    'sync',
    'measure cold and warm syncs of generated tenants, on the configured drivers, in databases of its own',
  )
    .option('--tenants <n>', 'tenants', wholeNumber(1, 50_000), 100)
    .option('--feeds-per-tenant <n>', 'feeds of each tenant', wholeNumber(1, 1_000), 10)
    .option(
      '--distinct <n>',
      'sources that the feeds are drawn from (default: one per feed, of a phase fewer)',
      wholeNumber(1, 1_000_000),
    )
    .option('--items <n>', 'posts per feed', wholeNumber(1, 10_000), 30)
    .option('--item-bytes <n>', 'average length of a post, bytes', wholeNumber(1, 1_048_576), 1_500)
    .option('--latency-ms <n>', 'how long the feed server waits before each answer', wholeNumber(0, 60_000), 0)
    .option('--workers <n>', 'processes that consume the queue (QUEUE_CONNECTION=redis)', wholeNumber(1, 64), 2)
    .option('--repeat <n>', 'whole rounds, each in databases of its own', wholeNumber(1, 100), 3)
    .addOption(
      new Option('--placement <kind>', 'where the tenants live (default: FEEDCTL_PLACEMENT)').choices([
        'dedicated',
        'shared',
      ] as const),
    )
    .option('--keep', 'leave the databases, files and keys, and say where they are')
    .action((given, self) =>
      runScenario(io, self, { scenario: 'sync', hint: ALONE }, given, async ({ keep, ...options }) => {
        const [{ benchSync }, { asText }] = await Promise.all([import('../../src/bench/sync/bench.js'), import('./sync-text.js')])
        const operator = settingsOf(io)
        const load = {
          ...options,
          distinct: options.distinct ?? sourcesOf(options.tenants * options.feedsPerTenant, given.phase ?? null),
          placement: options.placement ?? operator.placement,
        }
        const { env, signal } = io
        const result = await benchSync({ operator, env, load, keep: keep === true, watcher: io, signal })
        return { result, asText }
      }),
    )
  examples(command, [
    'feedctl bench sync',
    'feedctl bench sync --tenants 1000 --distinct 2000 --assert',
    'DB_CONNECTION=mysql CACHE_DRIVER=redis QUEUE_CONNECTION=redis feedctl bench sync --workers 2 --repeat 3 --json',
  ])
}
