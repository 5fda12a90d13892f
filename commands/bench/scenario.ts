import { type Command, InvalidArgumentError, Option } from '@commander-js/extra-typings'
import type { BenchResult } from '../../src/bench/result.js'
import { type Scenario, type Sizes, shortOf, sizesOf } from '../../src/bench/sizes.js'
import type { Io } from '../../src/cli/io.js'
import { PHASES, type Phase } from '../../src/watch/phases.js'
import { finish, type Measured } from './finish.js'
import { prepare } from './prepare.js'

/** What every scenario understands. */
export interface SharedFlags {
  readonly phase?: Phase | undefined
  readonly assert?: true | undefined
  readonly baseline?: string | undefined
  readonly worseBy: number
  readonly report?: string | undefined
  /** Whole rounds. */
  readonly repeat: number
}

/** What to try when a target is missed. */
export const ALONE = 'nothing else on this machine meanwhile, and --repeat 5'

/** What a bare `feedctl bench` measures. */
const DEFAULT: Scenario = 'guide'
const DEFAULT_WORSE_BY = 10
const PHASE_NAMES = PHASES.map(({ name }) => name)

/** A scenario's command with the flags that all have; its own are added to it. */
export function scenarioCommand(bench: Command, name: Scenario, description: string) {
  return bench
    .command(name, { isDefault: name === DEFAULT })
    .description(description)
    .addOption(
      new Option(
        '--phase <name>',
        'measure what this phase of the guide carries, and judge by it; what is typed wins, and with less than that each figure keeps its own phase',
      ).choices(PHASE_NAMES),
    )
    .option('--assert', 'exit 8 when a target is missed or a figure is not valid')
    .option('--baseline <file>', 'a result of --json, or `last`: the newest that was kept; exit 8 when a figure is worse than it')
    .option('--worse-by <percent>', 'a smaller change from the baseline is none', percentage, DEFAULT_WORSE_BY)
    .option('--report <file>', 'write the result as one HTML page')
}

/** A phase sets what its scenario has flags for. */
type Sized<Name extends Scenario, Flags> = keyof Sizes[Name] extends keyof Flags ? unknown : never

/**
 * Runs a scenario, prints its result and does what the shared flags ask. `measure` is given the scenario's own flags, with the phase's
 * sizes where nobody typed another; and the phase, unless what was typed is less than it carries.
 * @param hint what to try when a target is missed
 * @throws {Failure} CHECK_FAILED; FILE_UNREADABLE, FILE_EXISTS, DISK_FULL; those of the scenario
 */
export async function runScenario<Name extends Scenario, Flags extends SharedFlags, Result extends BenchResult>(
  io: Io,
  command: { getOptionValueSource(name: string): string | undefined },
  { scenario, hint }: { readonly scenario: Name; readonly hint: string },
  given: Flags & Sized<Name, Flags>,
  measure: (own: Omit<Flags, Exclude<keyof SharedFlags, 'phase' | 'repeat'>>) => Promise<Measured<Result>>,
): Promise<void> {
  const { assert, baseline, worseBy, report, ...own } = given
  const typed = (name: string) => command.getOptionValueSource(name) === 'cli'
  const sizes = own.phase === undefined ? {} : untyped(sizesOf(scenario, own.phase), typed)
  const load = { ...own, ...sizes }
  const short = own.phase === undefined ? [] : shortOf(scenario, own.phase, load)
  if (short.length > 0) io.note(`this is less than ${own.phase} carries, and not judged as that: ${short.join(', ')}`)
  const known = Object.entries(load).filter(([name]) => typed(name) || name in sizes)
  const asked = await prepare(
    io,
    { scenario, repeat: given.repeat, known: Object.fromEntries(known) },
    { baseline, worseBy, report },
  )
  const at = Date.now()
  const phase = short.length > 0 ? undefined : own.phase
  const measured = await measure({ ...load, phase })
  // The guide's figures are of the phase whose part of its table they are.
  const label = scenario === 'guide' ? null : (phase ?? null)
  await finish(io, { ...measured, ...asked, at, phase: label, hint: assert === true ? hint : null })
}

/** What was typed wins. */
function untyped<Name extends Scenario>(sizes: Sizes[Name], typed: (name: string) => boolean): Partial<Sizes[Name]> {
  return Object.fromEntries(Object.entries(sizes).filter(([name]) => !typed(name))) as Partial<Sizes[Name]>
}

function percentage(text: string): number {
  const value = /^\d+(\.\d+)?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN
  if (!(value <= 1_000)) throw new InvalidArgumentError('It is not a percentage from 0 to 1000.')
  return value
}
