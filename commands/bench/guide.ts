import { type Command, InvalidArgumentError, Option } from '@commander-js/extra-typings'
import { CLAIM_NAMES, type ClaimName, claimsFor } from '../../src/bench/guide/claims.js'
import type { Io } from '../../src/cli/io.js'
import { PHASES } from '../../src/watch/phases.js'
import { settingsOf } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { refuseMisses } from './verdicts.js'

export function registerGuide(bench: Command, io: Io): void {
  const command = bench
    .command('guide', { isDefault: true })
    .description('measure every claim of the guide, one after another: its capacity table and what it promises besides')
    .addOption(new Option('--phase <name>', 'x').choices(PHASES.map(({ name }) => name)))
    .option('--only <claims>', `some of ${CLAIM_NAMES.join(', ')} (default: all)`, claimNames)
    .option('--no-scaling', 'not how throughput grows with API processes')
    .option('--tenants <n>', 'tenants whose readers ask with the cache and without', wholeNumber(1, 10_000), 100)
    .option('--requests <n>', 'requests with the cache, and again without', wholeNumber(100, 10_000_000), 20_000)
    .option('--write-every <n>', 'one request in so many adds a feed', wholeNumber(2, 1_000_000), 100)
    .option('--sync-tenants <n>', 'tenants synced from slow publishers; the target is of 1,000', wholeNumber(1, 10_000), 1_000)
    .option('--goal-ms <n>', 'what 99 of 100 answers may take at most', wholeNumber(1, 60_000), 150)
    .option('--duration <s>', 'how long each figure is measured, seconds', wholeNumber(1, 3_600), 10)
    .option('--repeat <n>', 'whole rounds, each in databases of its own', wholeNumber(1, 100), 1)
    .option('--assert', 'exit 8 when a claim does not hold or a figure is not valid')
    .action(async ({ assert, phase, only, scaling, ...given }) => {
      const [{ benchGuide }, { asText }] = await Promise.all([
        import('../../src/bench/guide/bench.js'),
        import('./guide-text.js'),
      ])
      const phases = PHASES.map(({ name }) => name).filter(name => phase === undefined || name === phase)
      const claims = claimsFor(only ?? CLAIM_NAMES, phases).filter(name => scaling || name !== 'scaling')
      const { env, signal } = io
      const onBug = (error: unknown) => io.note(error instanceof Error ? (error.stack ?? error.message) : String(error))
      const load = { ...given, phases, claims }
      const result = await benchGuide({ operator: settingsOf(io), env, load, watcher: io, signal, onBug })
      io.print(result, asText)
      if (assert) refuseMisses(result.rows, 'nothing else on this machine meanwhile, and --repeat 3')
    })
  examples(command, [
    'feedctl bench guide',
    'DB_CONNECTION=mysql CACHE_DRIVER=redis QUEUE_CONNECTION=redis feedctl bench guide --assert',
  ])
}

function claimNames(text: string): ClaimName[] {
  const words = text.split(',').map(word => word.trim())
  const unknown = words.find(word => !CLAIM_NAMES.includes(word as ClaimName))
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no claim ${JSON.stringify(unknown)}.`)
  return words as ClaimName[]
}
