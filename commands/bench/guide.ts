import { type Command, InvalidArgumentError } from '@commander-js/extra-typings'
import { CLAIM_NAMES, type ClaimName, claimsFor } from '../../src/bench/guide/claims.js'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import { PHASES } from '../../src/watch/phases.js'
import { settingsOf } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { ALONE, runScenario, scenarioCommand } from './scenario.js'

export function registerGuide(bench: Command, io: Io): void {
  const command = scenarioCommand(
    bench,
    'guide',
    'measure every claim of the guide, one after another: its capacity table, and what it promises besides',
  )
    .option('--only <claims>', `some of ${CLAIM_NAMES.join(', ')} (default: all)`, claimNames)
    .option('--no-scaling', 'leave out how throughput grows with API processes')
    .option('--tenants <n>', 'tenants whose readers ask with the cache, and without', wholeNumber(1, 10_000), 100)
    .option('--requests <n>', 'requests with the cache, and again without', wholeNumber(100, 10_000_000), 20_000)
    .option('--write-every <n>', 'one request in so many adds a feed', wholeNumber(2, 1_000_000), 100)
    .option('--sync-tenants <n>', 'tenants of slow publishers; the guide speaks of 1,000', wholeNumber(1, 10_000), 1_000)
    .option('--goal-ms <n>', 'most that 99 of 100 answers to users may take', wholeNumber(1, 60_000), 150)
    .option('--duration <s>', 'how long each figure is measured, seconds; events six times as long', wholeNumber(1, 3_600), 10)
    .option('--repeat <n>', 'whole rounds, each in databases of its own', wholeNumber(1, 100), 1)
    // What a bare `feedctl bench` is given that is no scenario ends up here.
    .allowExcessArguments()
    .action((given, self) => {
      const [scenario] = self.args
      if (scenario !== undefined) throw noScenario(bench, scenario)
      // A phase chooses what is measured here, and no sizes.
      const { phase, only, scaling, tenants, requests, writeEvery, syncTenants, goalMs, duration, repeat } = given
      return runScenario(io, self, { scenario: 'guide', hint: ALONE }, given, async () => {
        const [{ benchGuide }, { asText }] = await Promise.all([
          import('../../src/bench/guide/bench.js'),
          import('./guide-text.js'),
        ])
        const phases = PHASES.map(({ name }) => name).filter(name => phase === undefined || name === phase)
        const claims = claimsFor(only ?? CLAIM_NAMES, phases).filter(name => scaling || name !== 'scaling')
        if (claims.length === 0) throw nothingToMeasure(only ?? [], phase)
        const { env, signal } = io
        const load = { phases, claims, tenants, requests, writeEvery, syncTenants, goalMs, duration, repeat }
        const result = await benchGuide({ operator: settingsOf(io), env, load, watcher: io, signal, onBug: telling(io) })
        return { result, asText }
      })
    })
  examples(command, [
    'feedctl bench guide',
    'feedctl bench guide --phase growth --no-scaling',
    'DB_CONNECTION=mysql CACHE_DRIVER=redis QUEUE_CONNECTION=redis feedctl bench guide --assert',
  ])
}

function noScenario(bench: Command, named: string): Failure {
  const scenarios = bench.commands.map(command => command.name()).join(', ')
  return new Failure('USAGE', `there is no scenario ${JSON.stringify(named)}: this version has ${scenarios}`, {
    hint: 'feedctl bench sync',
  })
}

function nothingToMeasure(only: readonly ClaimName[], phase: string | undefined): Failure {
  return new Failure('USAGE', `the guide claims nothing of ${only.join(', ') || 'that'} for the phase ${phase ?? '-'}`, {
    hint: 'feedctl bench guide',
  })
}

function claimNames(text: string): ClaimName[] {
  const words = text.split(',').map(word => word.trim())
  const unknown = words.find(word => !CLAIM_NAMES.includes(word as ClaimName))
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no claim ${JSON.stringify(unknown)}.`)
  return words as ClaimName[]
}

/** One claim's bug is shown, and the others are measured all the same. */
function telling(io: Io): (error: unknown) => void {
  return error => io.note(error instanceof Error ? (error.stack ?? error.message) : String(error))
}
