import type { Io } from '../src/cli/io.js'
import { examples, type Program } from './program.js'
import { registerCreate } from './tenant/create.js'
import { registerDelete } from './tenant/delete.js'
import { registerList } from './tenant/list.js'
import { registerState } from './tenant/state.js'

export function register(program: Program, io: Io): void {
  const tenant = program.command('tenant')
  registerCreate(tenant, io)
  registerList(tenant, io)
  registerState(tenant, io)
  registerDelete(tenant, io)
  examples(tenant, [
    'feedctl tenant create acme --name "Acme" --feed https://example.com/feed.xml',
    'feedctl tenant list --state active --json',
  ])
}
