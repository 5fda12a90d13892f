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
    .action(async name => {
      await using app = await opening(io)
      const { refuseUsed, removeHost } = await import('../../src/tenants/hosts/removing.js')
      await refuseUsed(app.catalog, name)
      await io.confirm(`forget the database host ${name} and drop what feedctl left there`)
      const removed = await removeHost(app.catalog, name)
      io.print(
        { removed },
        (_, style) => `${style.green('removed')} ${style.bold(name)}; ${counted(removed.databases, 'empty database')} dropped`,
      )
    })
  examples(command, ['feedctl host remove db2 --yes'])
}
