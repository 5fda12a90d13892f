import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'

export function registerImport(tenant: Command, _io: Io): void {
  tenant.command('import').description('make a tenant from a file that was exported')
}
