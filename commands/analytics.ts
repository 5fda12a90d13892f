import type { Io } from '../src/cli/io.js'
import { registerIngest } from './analytics/ingest.js'
import { examples, type Program } from './program.js'

export function register(program: Program, io: Io): void {
  const analytics = program.command('analytics')
  registerIngest(analytics, io)
  examples(analytics, ['feedctl analytics ingest events.ndjson --tenant acme'])
}
