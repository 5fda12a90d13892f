import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'

export function registerExport(tenant: Command, _io: Io): void {
  tenant.command('export').description('write a tenant to one file')
}
