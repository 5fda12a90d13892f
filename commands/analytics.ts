import type { Io } from '../src/cli/io.js'
import { registerFlush } from './analytics/flush.js'
import { registerIngest } from './analytics/ingest.js'
import { registerReport } from './analytics/report.js'
import { examples, type Program } from './program.js'

export function register(program: Program, io: Io): void {
  const analytics = program.command('analytics')
  registerIngest(analytics, io)
  registerFlush(analytics, io)
  registerReport(analytics, io)
  examples(analytics, [
    'feedctl analytics ingest events.ndjson --tenant acme',
    'feedctl analytics report acme --by post',
    'feedctl analytics flush',
  ])
}
