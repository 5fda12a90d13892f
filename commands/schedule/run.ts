import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted, duration } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import type { ScheduleEntry } from '../../src/schedule/entries.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { alerting } from './alerting.js'

const LOCK = 'schedule'

/** An entry as it went. */
interface Told {
  readonly id: string
  readonly job: string
  /** Null for one that has a pattern. */
  readonly everyMs: number | null
  /** Cron, UTC; null for one that has an interval. */
  readonly pattern: string | null
  /** Null when nobody knows: Redis was away, or it ran once. */
  nextAt: number | null
  /** How often it fired, as far as this process saw. */
  fired: number
  /** Jobs that failed of those this process has run; those that could not be added. */
  failed: number
}

export function registerRun(schedule: Command, io: Io): void {
  const command = schedule
    .command('run')
    .description(
      'begin syncs, pruning and removals when they are due, until stopped; workers do them (QUEUE_CONNECTION=redis), or this process',
    )
    .option('--once', 'do what is due now, once, and end')
    .action(async ({ once }) => {
      await using app = await opening(io)
      await using _alerts = once ? null : await alerting(app)
      const { scheduleOf } = await import('../../src/schedule/entries.js')
      const entries = scheduleOf(app.config)
      const tellings = entries.map(newTelling)
      const [begun, since] = [performance.now(), Date.now()]
      if (app.config.queueConnection === 'redis')
        await (once ? addOnce(app, io, entries, tellings) : keep(app, io, entries, tellings))
      else await runHere(app, io, entries, tellings, once === true)
      const { refuseFailures, syncsSince, syncWords } = await import('./once.js')
      const sync = once && app.config.queueConnection === 'sync' ? await syncsSince(app, io, since) : null
      const durationMs = Math.round(performance.now() - begun)
      io.print({ driver: app.config.queueConnection, entries: tellings, sync, durationMs }, value => {
        const fired = value.entries.map(entry => `  ${entry.id.padEnd(16)} ${counted(entry.fired, 'time')}${failedWords(entry)}`)
        const synced = value.sync === null ? [] : [syncWords(value.sync)]
        return [`began in ${duration(value.durationMs)}:`, ...fired, ...synced].join('\n')
      })
      io.signal.throwIfAborted()
      if (once) refuseFailures(tellings, sync)
    })
  examples(command, ['feedctl schedule run', 'feedctl schedule run --once --quiet'])
}

function newTelling({ id, job, when }: ScheduleEntry): Told {
  const everyMs = 'everyMs' in when ? when.everyMs : null
  return { id, job, everyMs, pattern: 'pattern' in when ? when.pattern : null, nextAt: null, fired: 0, failed: 0 }
}

function failedWords({ failed }: Told): string {
  return failed === 0 ? '' : `, ${counted(failed, 'job')} failed`
}

async function runHere(
  app: App,
  io: Io,
  entries: readonly ScheduleEntry[],
  tellings: readonly Told[],
  once: boolean,
): Promise<void> {
  const [{ runInline, runOnce }, { firstAt }, { withLock }] = await Promise.all([
    import('../../src/schedule/inline.js'),
    import('../../src/schedule/next.js'),
    import('../../src/tenants/locks.js'),
  ])
  const ended = ({ id }: ScheduleEntry, failed: number) => {
    const told = tellings.find(each => each.id === id)
    if (told !== undefined) told.failed += failed
  }
  await withLock(app.catalog, LOCK, async lost => {
    const signal = AbortSignal.any([io.signal, lost])
    const parts = { entries, queue: () => app.queue(signal), log: io.log, ended }
    if (once) {
      for (const told of tellings) told.fired++
      return await runOnce(parts)
    }
    const now = Date.now()
    for (const entry of entries) sayEntry(io, entry, firstAt(entry, now))
    io.note('the jobs run in this process; Ctrl-C ends it')
    await runInline({ ...parts, signal, fired: (entry, nextAt) => noteFired(io, tellings, entry.id, nextAt) })
  })
}

/** Keeps the entries in Redis, and tells what becomes of them there. */
async function keep(app: App, io: Io, entries: readonly ScheduleEntry[], tellings: readonly Told[]): Promise<void> {
  const [{ ScheduleKeeper }, { watchSchedules }] = await Promise.all([
    import('../../src/schedule/keeper.js'),
    import('../../src/schedule/watching.js'),
  ])
  const [schedules, queue] = [await app.schedules(), await app.queue(io.signal)]
  const keeper = new ScheduleKeeper({ schedules, entries, log: io.log }).start()
  try {
    await keeper.looked()
    await watchSchedules({
      list: () => schedules.list(),
      consumers: () => queue.consumers('maintenance'),
      signal: io.signal,
      standing: (id, nextAt) => {
        const entry = entries.find(each => each.id === id)
        const told = tellings.find(each => each.id === id)
        if (entry === undefined || told === undefined) return
        told.nextAt = nextAt
        sayEntry(io, entry, nextAt)
      },
      fired: (id, nextAt) => noteFired(io, tellings, id, nextAt),
      alone: () => io.log.warn('no worker does the scheduled jobs: feedctl queue supervise, or feedctl queue work'),
    })
  } finally {
    await keeper.close()
  }
}

async function addOnce(app: App, io: Io, entries: readonly ScheduleEntry[], tellings: readonly Told[]): Promise<void> {
  const { jobOf } = await import('../../src/schedule/entries.js')
  const queue = await app.queue(io.signal)
  for (const [index, entry] of entries.entries()) {
    const { added, quarantined } = await queue.add([jobOf(entry)])
    const told = tellings[index]
    if (told === undefined) continue
    // One that waits already is not another.
    told.fired += added
    told.failed += quarantined.length
  }
  if ((await queue.consumers('maintenance')) === 0) io.note('no worker does them yet: feedctl queue work')
}

function noteFired(io: Io, tellings: readonly Told[], id: string, nextAt: number): void {
  const told = tellings.find(each => each.id === id)
  if (told === undefined) return
  told.fired++
  told.nextAt = nextAt
  io.note(`${new Date().toISOString()} ${id} began; next ${new Date(nextAt).toISOString()}`)
}

function sayEntry(io: Io, { id, when, doc }: ScheduleEntry, nextAt: number): void {
  const times = 'everyMs' in when ? `every ${duration(when.everyMs)}` : `at ${when.pattern} UTC`
  io.note(`${id}: ${doc}, ${times}; next ${new Date(nextAt).toISOString()}`)
}
