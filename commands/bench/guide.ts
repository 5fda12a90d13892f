import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { settingsOf } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { ALONE, runScenario, scenarioCommand } from './scenario.js'

export function registerGuide(bench: Command, io: Io): void {
  const command = scenarioCommand(
    bench,
    'guide',
    'measure what the guide claims of the cache, of eager loading and of batches of events',
  )
    .option('--tenants <n>', 'tenants whose readers ask', wholeNumber(1, 10_000), 100)
    .option('--requests <n>', 'requests with the cache, and again without', wholeNumber(100, 10_000_000), 20_000)
    .option('--write-every <n>', 'one request in so many adds a feed', wholeNumber(2, 1_000_000), 100)
    .option('--duration <s>', 'how long events are sent, and written one by one, seconds', wholeNumber(1, 3_600), 10)
    .option('--repeat <n>', 'whole rounds, each in databases of its own', wholeNumber(1, 100), 3)
    .action((given, self) =>
      runScenario(io, self, { scenario: 'guide', hint: ALONE }, given, async load => {
        const [{ benchGuide }, { asText }] = await Promise.all([
          import('../../src/bench/guide/bench.js'),
          import('./guide-text.js'),
        ])
        const { env, signal } = io
        const result = await benchGuide({ operator: settingsOf(io), env, load, watcher: io, signal })
        return { result, asText }
      }),
    )
  examples(command, [
    'feedctl bench guide',
    'DB_CONNECTION=mysql CACHE_DRIVER=redis QUEUE_CONNECTION=redis feedctl bench guide --assert',
  ])
}
