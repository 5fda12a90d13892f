import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { connections, maxTenants, weight, wishOf } from './values.js'
import { hostView, hostWords } from './view.js'

export function registerAdd(host: Command, io: Io): void {
  const command = host
    .command('add')
    .description('add a database host that new tenants are placed on')
    .argument('<name>', '1 to 40 of a-z, 0-9 and -, starting with a letter')
    .requiredOption('--address <where>', 'host:port or the path of a socket; on SQLite a folder')
    .option('--username <name>', 'its user (default: DB_USERNAME); the password is in FEEDCTL_HOST_PASSWORDS')
    .option('--weight <n>', 'tenants it is to have, beside those of the others; 0 for none (default: 100)', weight)
    .option('--max-tenants <n>', 'tenants it takes at most, or none for as many as come', maxTenants)
    .option('--connections <n>', 'connections of all processes together, or none for FEEDCTL_DB_POOL each', connections)
    .option('--read-address <where>', 'host:port of a replica that reads may go to')
    .option('--region <name>', 'where it stands: `tenant create --region` goes to hosts of that region')
    .action(async (name, flags) => {
      await using app = await opening(io)
      const { addHost } = await import('../../src/tenants/hosts/changing.js')
      const wish = { ...wishOf(app, io, flags), address: wishOf(app, io, flags).address ?? flags.address }
      const added = await addHost(app.catalog, app.config, name, wish)
      io.print({ host: hostView(added) }, (_, style) =>
        [
          `${style.green('added')} database host ${style.bold(added.name)} at ${added.address} (${hostWords(added)})`,
          'Processes that run already know it within seconds; those on MySQL need its password in their settings.',
        ].join('\n'),
      )
    })
  examples(command, [
    'feedctl host add db2 --address 10.0.0.2:3306 --username tenants --connections 120',
    'feedctl host add db3 --address 10.0.0.3:3306 --weight 50 --max-tenants 500',
    'feedctl host add eu-1 --address 10.1.0.2:3306 --region eu --read-address 10.1.0.3:3306',
    'feedctl host add disk2 --address /mnt/disk2/feedctl',
  ])
}
