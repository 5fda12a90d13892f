import type { Io } from '../src/cli/io.js'
import { examples, type Program } from './program.js'
import { registerCreate } from './tenant/create.js'
import { registerDbUser } from './tenant/db-user.js'
import { registerDelete } from './tenant/delete.js'
import { registerExport } from './tenant/export.js'
import { registerImport } from './tenant/import.js'
import { registerList } from './tenant/list.js'
import { registerMigrate } from './tenant/migrate.js'
import { registerMove } from './tenant/move.js'
import { registerProbe } from './tenant/probe.js'
import { registerReceipt } from './tenant/receipt.js'
import { registerSpare } from './tenant/spare.js'
import { registerState } from './tenant/state.js'

export function register(program: Program, io: Io): void {
  const tenant = program.command('tenant')
  registerCreate(tenant, io)
  registerList(tenant, io)
  registerState(tenant, io)
  registerSpare(tenant, io)
  registerMigrate(tenant, io)
  registerMove(tenant, io)
  registerExport(tenant, io)
  registerImport(tenant, io)
  registerDbUser(tenant, io)
  registerProbe(tenant, io)
  registerDelete(tenant, io)
  registerReceipt(tenant, io)
  examples(tenant, [
    'feedctl tenant create acme --name "Acme" --feed https://example.com/feed.xml',
    'feedctl tenant list --state active --json',
  ])
}
