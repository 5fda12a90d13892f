import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { connections, maxTenants, weight, wishOf } from './values.js'
import { hostView, hostWords } from './view.js'

export function registerSet(host: Command, io: Io): void {
  const command = host
    .command('set')
    .description('change a database host, `default` as well')
    .argument('<name>')
    .option('--address <where>', 'where it is now: it must hold the databases of its tenants already')
    .option('--username <name>', 'its user; the password is in FEEDCTL_HOST_PASSWORDS')
    .option('--weight <n>', 'tenants it is to have, beside those of the others; 0 for none', weight)
    .option('--max-tenants <n>', 'tenants it takes at most, or none for as many as come', maxTenants)
    .option('--connections <n>', 'connections of all processes together, or none for FEEDCTL_DB_POOL each', connections)
    .option('--read-address <where>', 'host:port of a replica that reads may go to, or none')
    .option('--region <name>', 'where it stands, or none')
    .action(async (name, flags) => {
      if (Object.keys(flags).length === 0) {
        throw new Failure('USAGE', 'name what is to change', { hint: 'feedctl host set --help' })
      }
      await using app = await opening(io)
      const { changeHost } = await import('../../src/tenants/hosts/changing.js')
      const changed = await changeHost(app.catalog, app.config, name, wishOf(app, io, flags))
      io.print(
        { host: hostView(changed) },
        (_, style) => `${style.green('changed')} ${style.bold(changed.name)}: ${hostWords(changed)}`,
      )
    })
  examples(command, [
    'feedctl host set default --weight 0',
    'feedctl host set db2 --connections 200 --max-tenants none',
    'feedctl host set db2 --address 10.0.0.12:3306',
  ])
}
