import type { Command } from '@commander-js/extra-typings'
import { count, counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import { opening } from '../opening.js'
import { examples, wholeNumber } from '../program.js'

export function registerSpare(tenant: Command, io: Io): void {
  const command = tenant
    .command('spare')
    .description('show, make or drop the migrated empty databases that new dedicated tenants get at once')
    .option('--fill <n>', 'make as many as are wanting to n', wholeNumber(1, 10_000))
    .option('--drop', 'drop all that nobody has taken; needs --yes')
    .action(async options => {
      if (options.fill !== undefined && options.drop)
        throw new Failure('USAGE', 'pass --fill or --drop', { hint: 'feedctl tenant spare --help' })
      if (options.drop) await io.confirm('drop all spare databases')
      await using app = await opening(io)
      const [{ countSpares, dropSpares, keepSpares }, { refuseFailed }] = await Promise.all([
        import('../../src/tenants/spares/keep.js'),
        import('../../src/tenants/spares/failures.js'),
      ])
      const { catalog, config } = app
      const wanted = options.fill ?? config.spareDatabases
      if (options.drop) {
        const { dropped, failures } = await dropSpares(catalog, { signal: io.signal })
        io.print({ spares: { dropped, failures } }, () => `${counted(dropped, 'spare database')} dropped`)
        return refuseFailed(failures, 'dropped')
      }
      if (options.fill === undefined) return io.print({ spares: { ...(await countSpares(catalog)), wanted } }, standing)
      const progress = io.progress('spare databases')
      progress.start(wanted)
      try {
        const spares = await keepSpares(catalog, config.databasePrefix, wanted, {
          signal: io.signal,
          progress: made => progress.update(made),
        })
        progress.stop()
        io.print({ spares: { ...spares, wanted } }, value => `${counted(spares.made, 'database')} made; ${standing(value)}`)
        refuseFailed(spares.failures, 'made')
      } finally {
        progress.stop()
      }
    })
  examples(command, ['feedctl tenant spare', 'feedctl tenant spare --fill 20', 'feedctl tenant spare --drop --yes'])
}

function standing({ spares }: { readonly spares: { ready: number; unready: number; wanted: number } }): string {
  const unready = spares.unready === 0 ? '' : `, ${count(spares.unready)} not made to the end or behind`
  return `${counted(spares.ready, 'spare database')} ready of ${count(spares.wanted)} wanted${unready}`
}
