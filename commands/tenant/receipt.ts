import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'

export function registerReceipt(tenant: Command, _io: Io): void {
  tenant.command('receipt').description('what was removed with a deleted tenant')
}
