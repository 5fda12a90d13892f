import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'

export function registerDbUser(tenant: Command, _io: Io): void {
  tenant.command('db-user').description('the MySQL user of a dedicated tenant')
}
