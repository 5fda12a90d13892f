import type { Catalog } from '../tenants/catalog.js'
import type { RunStanding } from './overview.js'

/** A run that nobody went on with for so long was abandoned. */
const ABANDONED_MS = 3_600_000
/** What an ended run consists of may change no more so long after its last tenant ended. */
const SETTLED_MS = 300_000
/** Runs looked at, the newest first: the scheduler begins one a minute at most. */
const NEWEST = 20

/** What the rows of a run say. Times are epoch ms. */
export interface RunFacts {
  readonly runId: string
  readonly startedAt: number
  /** As its follower wrote it; null while it runs, and when nobody followed it. */
  readonly closedAt: number | null
  readonly scheduled: boolean
  readonly queued: number
  readonly running: number
  readonly ended: number
  readonly failed: number
  /** When the newest of its tenants ended; null when none has. */
  readonly lastEndAt: number | null
}

/** Whether there is still something to do for it, and somebody has gone on with it lately. */
export function isLive(run: RunFacts, now: number): boolean {
  return run.closedAt === null && run.queued + run.running > 0 && now - lastLifeOf(run) < ABANDONED_MS
}

/** The newest run that has not ended, or else the newest; null without any. `runs`: newest first. */
export function runStanding(runs: readonly RunFacts[], now: number): RunStanding | null {
  const run = runs.find(one => isLive(one, now)) ?? runs[0]
  if (run === undefined) return null
  const { runId, startedAt, scheduled, queued, running, ended, failed } = run
  const finishedAt = isLive(run, now) ? null : (run.closedAt ?? lastLifeOf(run))
  return { runId, startedAt, finishedAt, scheduled, total: queued + running + ended, running, ended, failed }
}

function lastLifeOf(run: RunFacts): number {
  return Math.max(run.startedAt, run.lastEndAt ?? 0)
}

/** Reads the newest runs again and again; of those that have ended, once. */
export class RunReader {
  private settled = new Map<string, RunFacts>()

  constructor(private readonly catalog: Catalog) {}

  /** Newest first. */
  async newest(now: number): Promise<RunFacts[]> {
    const runs = await this.catalog.kysely
      .selectFrom('runs')
      .select(['id', 'started_at', 'finished_at', 'scheduled'])
      .orderBy('started_at', 'desc')
      .limit(NEWEST)
      .execute()
    const parts = await this.partsOf(runs.map(run => run.id).filter(id => !this.settled.has(id)))
    const facts = runs.map(
      run =>
        this.settled.get(run.id) ?? {
          runId: run.id,
          startedAt: run.started_at,
          closedAt: run.finished_at,
          scheduled: run.scheduled !== 0,
          ...summed(parts.filter(part => part.run_id === run.id)),
        },
    )
    this.settled = new Map(facts.filter(run => isSettled(run, now)).map(run => [run.runId, run]))
    return facts
  }

  private async partsOf(ids: readonly string[]): Promise<Part[]> {
    if (ids.length === 0) return []
    const rows = await this.catalog.kysely
      .selectFrom('run_tenants')
      .select(eb => ['run_id', 'state', eb.fn.countAll<number>().as('tenants'), eb.fn.max('finished_at').as('last')])
      .where('run_id', 'in', ids)
      .groupBy(['run_id', 'state'])
      .execute()
    return rows.map(row => ({ ...row, tenants: Number(row.tenants), last: row.last === null ? null : Number(row.last) }))
  }
}

interface Part {
  readonly run_id: string
  readonly state: string
  readonly tenants: number
  readonly last: number | null
}

function isSettled(run: RunFacts, now: number): boolean {
  return run.ended > 0 && run.queued + run.running === 0 && now - lastLifeOf(run) > SETTLED_MS
}

function summed(parts: readonly Part[]): Pick<RunFacts, 'queued' | 'running' | 'ended' | 'failed' | 'lastEndAt'> {
  const count = (...states: string[]) =>
    parts.filter(part => states.includes(part.state)).reduce((total, part) => total + part.tenants, 0)
  const ends = parts.flatMap(part => part.last ?? [])
  return {
    queued: count('queued'),
    running: count('running'),
    ended: count('ok', 'failed', 'skipped'),
    failed: count('failed'),
    lastEndAt: ends.length === 0 ? null : Math.max(...ends),
  }
}
