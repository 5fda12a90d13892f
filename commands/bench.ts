import type { Io } from '../src/cli/io.js'
import { registerAnalytics } from './bench/analytics.js'
import { registerApi } from './bench/api.js'
import { registerGuide } from './bench/guide.js'
import { registerMedia } from './bench/media.js'
import { registerQueue } from './bench/queue.js'
import { registerSync } from './bench/sync.js'
import { registerTenants } from './bench/tenants.js'
import { examples, type Program } from './program.js'

export function register(program: Program, io: Io): void {
  const bench = program.command('bench')
  registerAnalytics(bench, io)
  registerApi(bench, io)
  registerGuide(bench, io)
  registerMedia(bench, io)
  registerQueue(bench, io)
  registerSync(bench, io)
  registerTenants(bench, io)
  examples(bench, ['feedctl bench', 'feedctl bench sync', 'feedctl bench sync --assert --json', 'feedctl bench queue --repeat 3'])
}
