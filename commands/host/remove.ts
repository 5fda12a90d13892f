import type { Command } from '@commander-js/extra-typings'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'

export function registerRemove(host: Command, io: Io): void {
  const command = host
    .command('remove')
    .description('forget a drained database host that no tenant is on; its spare and empty databases are dropped')
    .argument('<name>')
    .option('--forget', 'its machine or disk is gone for good: ask nothing of it, and leave what is there')
    .action(async (name, { forget }) => {
      await using app = await opening(io)
      const { forgetHost, refuseUsed, removeHost } = await import('../../src/tenants/hosts/removing.js')
      await refuseUsed(app.catalog, name, { isForgotten: forget === true })
      if (forget === true) {
        await io.confirm(`forget the database host ${name} and the databases that feedctl left there`)
        const forgotten = await forgetHost(app.catalog, name)
        const left = counted(forgotten.databases, 'empty database')
        return io.print({ forgotten }, (_, style) => `${style.green('forgotten')}: ${style.bold(name)}; ${left} left there`)
      }
      await io.confirm(`forget the database host ${name} and drop what feedctl left there`)
      const removed = await removeHost(app.catalog, name)
      io.print(
        { removed },
        (_, style) => `${style.green('removed')} ${style.bold(name)}; ${counted(removed.databases, 'empty database')} dropped`,
      )
    })
  examples(command, ['feedctl host remove db2 --yes', 'feedctl host remove db2 --forget --yes'])
}
