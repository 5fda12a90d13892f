import { type Command, Option } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { settingsOf } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { refuseMisses } from './verdicts.js'

export function registerAnalytics(bench: Command, io: Io): void {
  const command = bench
    .command('analytics')
    .description('measure events from HTTP, or from NDJSON on stdin, to committed rows, and whether each of them counts once')
    .option('--events-per-s <n>', 'events sent per second (default: as many as are accepted)', wholeNumber(1_000, 10_000_000))
    .option('--duration <s>', 'how long they are sent, seconds', wholeNumber(1, 3_600), 60)
    .addOption(
      new Option('--from <source>', 'where events come from')
        .choices(['http', 'ndjson', 'both'] as const)
        .default('both' as const),
    )
    .option('--tenants <n>', 'tenants the events are of', wholeNumber(1, 10_000), 20)
    .option('--workers <n>', 'processes that count them (QUEUE_CONNECTION=redis)', wholeNumber(1, 64), 1)
    .option('--processes <n>', 'processes of the API', wholeNumber(1, 64), 1)
    .option('--repeat <n>', 'whole rounds, each in databases of its own', wholeNumber(1, 100), 1)
    .option('--assert', 'exit 8 when a target is missed, an event is lost or a figure is not valid')
    .action(async ({ assert, eventsPerS = null, ...given }) => {
      const [{ benchAnalytics }, { asText }] = await Promise.all([
        import('../../src/bench/analytics/bench.js'),
        import('./analytics-text.js'),
      ])
      const { env, signal } = io
      const result = await benchAnalytics({ operator: settingsOf(io), env, load: { ...given, eventsPerS }, watcher: io, signal })
      io.print(result, asText)
      if (assert) refuseMisses(result.rows, 'nothing else on this machine meanwhile, and --repeat 3')
    })
  examples(command, [
    'feedctl bench analytics --from http --duration 10',
    'DB_CONNECTION=mysql CACHE_DRIVER=redis QUEUE_CONNECTION=redis feedctl bench analytics --events-per-s 150000 --assert --json',
  ])
}
