import { type Command, Option } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { settingsOf } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { ALONE, runScenario, scenarioCommand } from './scenario.js'

export function registerAnalytics(bench: Command, io: Io): void {
  const command = scenarioCommand(
    bench,
    'analytics',
    'measure events from HTTP, or from NDJSON on stdin, to committed rows, and whether each of them counts once',
  )
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
    .option('--repeat <n>', 'whole rounds, each in databases of its own', wholeNumber(1, 100), 3)
    .action((given, self) =>
      runScenario(io, self, { scenario: 'analytics', hint: ALONE }, given, async ({ eventsPerS = null, ...given }) => {
        const [{ benchAnalytics }, { asText }] = await Promise.all([
          import('../../src/bench/analytics/bench.js'),
          import('./analytics-text.js'),
        ])
        const { env, signal } = io
        const result = await benchAnalytics({
          operator: settingsOf(io),
          env,
          load: { ...given, eventsPerS },
          watcher: io,
          signal,
        })
        return { result, asText }
      }),
    )
  examples(command, [
    'feedctl bench analytics --from http --duration 10',
    'DB_CONNECTION=mysql CACHE_DRIVER=redis QUEUE_CONNECTION=redis feedctl bench analytics --events-per-s 150000 --assert --json',
  ])
}
