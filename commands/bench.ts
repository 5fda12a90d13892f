import type { Io } from '../src/cli/io.js'
import { Failure } from '../src/kernel/errors.js'
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
  bench.argument('[scenario]', 'what to measure').action(scenario => {
    const what = scenario === undefined ? 'bench needs a scenario' : `there is no scenario ${JSON.stringify(scenario)}`
    const scenarios = bench.commands.map(command => command.name()).join(', ')
    throw new Failure('USAGE', `${what}: this version has ${scenarios}`, { hint: 'feedctl bench sync' })
  })
  examples(bench, ['feedctl bench sync', 'feedctl bench sync --assert --json', 'feedctl bench queue --repeat 3'])
}
