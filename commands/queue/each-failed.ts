import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { sleep } from '../../src/kernel/clock.js'
import { Failure, isFailure } from '../../src/kernel/errors.js'
import type { FailedJob } from '../../src/queues/index.js'
import type { Failures, Selection, SelectionFlags } from './failed-jobs.js'
import { paceMs } from './pace.js'

const LISTED = 1_000
const UNKNOWN_NAMED = 5

export interface ChoiceFlags extends SelectionFlags {
  readonly all?: true
}

/** Refuses a command line that names nothing, or names jobs twice over. @throws {Failure} USAGE */
export function checkChoice(verb: string, ids: readonly string[], { all, tenant, error }: ChoiceFlags): void {
  const selects = all === true || tenant !== undefined || error !== undefined
  if (ids.length > 0 !== selects) return
  throw new Failure('USAGE', 'name jobs by their ids, or pass --all, --tenant or --error', {
    hint: `feedctl queue ${verb} --all`,
  })
}

/** `merged`: one with its like that waits already. `skipped`: not there any more, or not to be touched. */
export type DeedEnd = 'done' | 'merged' | 'skipped'

/** What was done to each of the chosen jobs. */
export interface Handled extends Readonly<Record<DeedEnd, number>> {
  /** The first thousand that were not skipped. */
  readonly jobs: readonly FailedJob[]
  /** Ids that no failed job has. */
  readonly unknown: readonly string[]
  /** What kept the others from their turn; null when nothing did. */
  readonly failure: Failure | null
}

export interface Handling {
  readonly ids: readonly string[]
  readonly selection: Selection
  readonly perS: number | null
  /** Name of the progress, `retry`; null where the deeds take no time. */
  readonly verb: string | null
  readonly deed: (job: FailedJob) => Promise<DeedEnd>
}

/** Does it to one after the other, paced; a stop ends it between two, and a failure at the one that met it. */
export async function eachFailed(io: Io, failures: Failures, handling: Handling): Promise<Handled> {
  const { ids, selection, perS, verb, deed } = handling
  const unknown: string[] = []
  const jobs: FailedJob[] = []
  const counts = { done: 0, merged: 0, skipped: 0 }
  let failure: Failure | null = null
  const progress = verb === null ? null : io.progress(verb, 'jobs')
  progress?.start(ids.length > 0 ? ids.length : await countOf(failures, selection))
  const chosen = ids.length > 0 ? named(failures, ids, unknown) : failures.select(selection)
  let lastAt = Number.NEGATIVE_INFINITY
  try {
    for await (const job of chosen) {
      const waitMs = paceMs(perS, performance.now() - lastAt)
      if (waitMs > 0) await sleep(waitMs, io.signal).catch(() => {})
      if (io.signal.aborted) break
      lastAt = performance.now()
      const end = await deed(job)
      counts[end]++
      if (end !== 'skipped' && jobs.length < LISTED) jobs.push(job)
      progress?.update(counts.done + counts.merged + counts.skipped)
    }
  } catch (error) {
    if (!isFailure(error)) throw error
    failure = error
  }
  progress?.stop()
  return { ...counts, jobs, unknown, failure }
}

async function countOf(failures: Failures, selection: Selection): Promise<number> {
  let total = 0
  for await (const _ of failures.select(selection)) total++
  return total
}

async function* named(failures: Failures, ids: readonly string[], unknown: string[]): AsyncGenerator<FailedJob> {
  for (const id of new Set(ids)) {
    const job = await failures.find(id)
    if (job === null) unknown.push(id)
    else yield job
  }
}

/** After the report is printed. @throws {Failure} the signal's, what stood in the way, JOB_NOT_FOUND */
export function endOf(io: Io, { unknown, failure }: Handled): void {
  io.signal.throwIfAborted()
  if (failure !== null) throw failure
  if (unknown.length === 0) return
  const more = unknown.length > UNKNOWN_NAMED ? ` and ${counted(unknown.length - UNKNOWN_NAMED, 'other')}` : ''
  throw new Failure('JOB_NOT_FOUND', `no failed job has the id ${unknown.slice(0, UNKNOWN_NAMED).join(', ')}${more}`, {
    hint: 'feedctl queue failed',
  })
}
