import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'

export function registerMove(tenant: Command, _io: Io): void {
  tenant.command('move').description('move tenants to another placement or host while they are served')
}
