import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'

export function registerProbe(tenant: Command, _io: Io): void {
  tenant.command('probe').description('look for what one tenant can see of another')
}
