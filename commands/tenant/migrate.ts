import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'

export function registerMigrate(tenant: Command, _io: Io): void {
  tenant.command('migrate').description('bring the databases of tenants to the schema of this feedctl')
}
