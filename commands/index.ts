import { createProcessIo } from '../src/cli/io.js'
import { run } from '../src/cli/run.js'
import { execute } from './execute.js'

process.exitCode = await run(process.argv.slice(2), createProcessIo(), execute)
