import type { Io } from '../src/cli/io.js'
import { registerList } from './media/list.js'
import { registerManifest } from './media/manifest.js'
import { registerMigrate } from './media/migrate-to-wasabi.js'
import { registerPolicy } from './media/policy.js'
import { registerPrune } from './media/prune.js'
import { registerRollback } from './media/rollback.js'
import { registerStatus } from './media/status.js'
import { registerVerify } from './media/verify.js'
import { examples, type Program } from './program.js'

export function register(program: Program, io: Io): void {
  const media = program.command('media')
  registerVerify(media, io)
  registerManifest(media, io)
  registerRollback(media, io)
  registerPolicy(media, io)
  registerList(media, io)
  registerStatus(media, io)
  registerMigrate(media, io)
  registerPrune(media, io)
  examples(media, ['feedctl media status', 'feedctl media migrate-to-wasabi --all --dry-run', 'feedctl media verify --all'])
}
