import { InvalidArgumentError } from '@commander-js/extra-typings'
import type { App } from '../src/app.js'
import type { WhatIf } from '../src/capacity/capacity.js'
import type { Io } from '../src/cli/io.js'
import { isFailure } from '../src/kernel/errors.js'
import { opening } from './opening.js'
import { examples, type Program, wholeNumber } from './program.js'

const MOST = 1_000_000_000

interface Flags {
  readonly tenants?: number | undefined
  readonly users?: number | undefined
  readonly rps?: number | undefined
  readonly growth?: number | undefined
  readonly explain?: true | undefined
}

export function register(program: Program, io: Io): void {
  const command = program
    .command('capacity')
    .option('--tenants <n>', 'what if there were so many', wholeNumber(0, MOST))
    .option('--users <n>', 'what if so many were connected at once', wholeNumber(0, MOST))
    .option('--rps <n>', 'what if so many requests came in a second', wholeNumber(0, MOST))
    .option('--growth <share>', 'what if tenants grew so: 5%/week', weeklyGrowth)
    .option('--explain', 'show what the plan rests on, and where each figure comes from')
    .action(flags => show(io, flags))
  examples(command, [
    'feedctl capacity',
    'feedctl capacity --tenants 1500 --rps 800 --explain',
    'feedctl capacity --growth 5%/week',
  ])
}

async function show(io: Io, flags: Flags): Promise<void> {
  await using app = await opening(io)
  const [{ lookAtCapacity }, { documentOf }, { textOf }] = await Promise.all([
    import('../src/capacity/capacity.js'),
    import('./capacity/document.js'),
    import('./capacity/text.js'),
  ])
  const asked: WhatIf = {
    tenants: flags.tenants ?? null,
    users: flags.users ?? null,
    requestsPerS: flags.rps ?? null,
    growth: flags.growth ?? null,
  }
  const { catalog, config } = app
  const capacity = await lookAtCapacity({ catalog, config, hasWorkers: await hasWorkers(app) }, asked, Date.now())
  const explain = flags.explain === true
  io.print(documentOf(capacity, explain), (_, style) => textOf(capacity, explain, style))
}

/** Null where Redis does not tell: the plan is one of the catalog. */
async function hasWorkers(app: App): Promise<boolean | null> {
  if (app.config.queueConnection !== 'redis') return false
  try {
    const board = await app.board()
    const [supervisors, workers] = await Promise.all([board.supervisors(), board.workers()])
    return supervisors.length > 0 || workers.length > 0
  } catch (error) {
    if (isFailure(error, 'UNAVAILABLE')) return null
    throw error
  }
}

/** `5%/week`, `-2.5%/week`, or without `/week`: as a share, 0.05. */
function weeklyGrowth(text: string): number {
  const [, percent] = /^(-?\d{1,3}(?:\.\d+)?)%(?:\/week)?$/.exec(text) ?? []
  const value = Number(percent)
  if (percent === undefined || value <= -100) throw new InvalidArgumentError('It is not a share of growth such as 5%/week.')
  return value / 100
}
