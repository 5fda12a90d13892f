import { parseArgs } from 'node:util'
import { Failure, wordsOf } from '../../../src/kernel/errors.js'
import { type Figures, fuzz } from './campaign.js'
import { MUTATION_COUNT } from './mutate.js'

/**
 * A long run, as `npm run fuzz -- --minutes 10 [--seed N] [--parser path]`; the text of its figures, and whether nothing was found.
 * @throws {Failure} USAGE
 */
export async function longRun(args: readonly string[], say: (line: string) => void): Promise<{ readonly clean: boolean }> {
  const { minutes, seed, parser } = optionsIn(args)
  say(`fuzzing for ${minutes} minutes, seed ${seed}, ${MUTATION_COUNT} kinds of mutation`)
  const figures = await fuzz({
    seed,
    maxMs: minutes * 60_000,
    parser,
    onFinding: ({ fault, origin, file, bytes }) => say(`FOUND ${fault}\n  ${origin}\n  ${file} (${bytes} bytes)`),
  })
  for (const line of figureLines(figures)) say(line)
  return { clean: figures.findings.length === 0 }
}

function optionsIn(args: readonly string[]) {
  const { minutes, seed, parser } = valuesIn(args)
  const options = { minutes: Number(minutes), seed: seed === undefined ? seedOfTheDay() : Number(seed), parser }
  if (!(options.minutes > 0 && Number.isFinite(options.minutes))) throw new Failure('USAGE', '--minutes is a number above 0')
  if (!Number.isSafeInteger(options.seed)) throw new Failure('USAGE', '--seed is a whole number')
  return options
}

function valuesIn(args: readonly string[]) {
  try {
    const options = { minutes: { type: 'string', default: '10' }, seed: { type: 'string' }, parser: { type: 'string' } } as const
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new Failure('USAGE', wordsOf(error))
  }
}

/** Days since the epoch: every day tries other documents. */
function seedOfTheDay(): number {
  return Math.floor(Date.now() / 86_400_000)
}

function figureLines(figures: Figures): string[] {
  const outcomes = Object.entries(figures.outcomes).sort(([, a], [, b]) => b - a)
  return [
    `documents     ${figures.documents} (${(figures.bytes / 1e6).toFixed(0)} MB), ${figures.mutations} mutations, ${figures.posts} posts read`,
    `outcomes      ${outcomes.map(([code, count]) => `${code} ${count}`).join(', ')}`,
    `slowest       ${figures.slowestCpuMs.toFixed(0)} ms of CPU, ${figures.slowest}`,
    `peak memory   ${figures.peakRssMb.toFixed(0)} MB RSS of a parser process`,
    `findings      ${figures.findings.length}`,
  ]
}
