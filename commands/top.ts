import { InvalidArgumentError } from '@commander-js/extra-typings'
import type { Io } from '../src/cli/io.js'
import type { Overview } from '../src/watch/overview.js'
import { opening } from './opening.js'
import { examples, type Program } from './program.js'
import { standingDocument } from './standing.js'

const LEAST_INTERVAL_S = 0.2
const MOST_INTERVAL_S = 60

export function register(program: Program, io: Io): void {
  const top = program
    .command('top')
    .option('--interval <seconds>', 'time between two readings, 0.2 to 60', seconds, 1)
    .option('--once', 'print one reading as text, as where there is no terminal')
    .action(async ({ interval, once }) => {
      await using app = await opening(io)
      const [{ openWatch }, { read, TenantNames }] = await Promise.all([
        import('../src/watch/gather.js'),
        import('../src/cli/screens/reading.js'),
      ])
      const watch = await openWatch(app)
      const desk = app.config.queueConnection === 'redis' ? await app.desk() : null
      const watched = { overview: () => watch.overview(), desk, names: new TenantNames(app.catalog) }
      const screen = once === true ? null : io.screen()
      if (screen === null) {
        const { snapshotText } = await import('../src/cli/screens/snapshot.js')
        const reading = await read(watched, false)
        io.print(documentOf(reading.overview), (_, style) => snapshotText(reading, style))
        return
      }
      const { showTop } = await import('../src/cli/screens/show.js')
      await showTop(screen, watched, { everyMs: interval * 1000, signal: io.signal })
    })
  examples(top, ['feedctl top', 'feedctl top --interval 5', 'feedctl top --once', 'feedctl top --json'])
}

/** As scripts get it: what nobody knows is null. */
function documentOf(overview: Overview) {
  const { dueAt, failingSince } = overview.tenants
  return {
    ...overview,
    tenants: {
      ...overview.tenants,
      failingSince: failingSince === null ? null : new Date(failingSince),
      dueAt: dueAt === 0 ? null : dueAt,
    },
    ...standingDocument(overview),
  }
}

function seconds(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= LEAST_INTERVAL_S && value <= MOST_INTERVAL_S)) {
    throw new InvalidArgumentError(`It is not a number of seconds from ${LEAST_INTERVAL_S} to ${MOST_INTERVAL_S}.`)
  }
  return value
}
