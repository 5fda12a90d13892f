import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { settingsOf } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { runScenario, scenarioCommand } from './scenario.js'

export function registerTenants(bench: Command, io: Io): void {
  const command = scenarioCommand(
    bench,
    'tenants',
    'measure how fast tenants are made, beside bare statements, and how many are read and enqueued',
  )
    .option('--dedicated <n>', 'tenants in databases of their own, and as many bare databases', wholeNumber(1, 100_000), 400)
    .option('--shared <n>', 'tenants in shared tables', wholeNumber(1, 1_000_000), 50_000)
    .option('--sign-ups <n>', 'single sign-ups without a spare database, and with one', wholeNumber(1, 1_000), 11)
    .option('--repeat <n>', 'whole rounds, each in databases of its own', wholeNumber(1, 100), 3)
    .action((given, self) =>
      runScenario(
        io,
        self,
        { scenario: 'tenants', hint: 'nothing else on this machine meanwhile, and --dedicated 1000' },
        given,
        async load => {
          const [{ benchTenants }, { asText }] = await Promise.all([
            import('../../src/bench/tenants/bench.js'),
            import('./tenants-text.js'),
          ])
          const { env, signal } = io
          const result = await benchTenants({ operator: settingsOf(io), env, load, watcher: io, signal })
          return { result, asText }
        },
      ),
    )
  examples(command, [
    'DB_CONNECTION=mysql QUEUE_CONNECTION=redis CACHE_DRIVER=redis feedctl bench tenants',
    'DB_CONNECTION=mysql feedctl bench tenants --dedicated 2000 --assert --json',
  ])
}
