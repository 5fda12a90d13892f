import { resolve } from 'node:path'
import type { Io } from '../src/cli/io.js'
import { Failure } from '../src/kernel/errors.js'
import { examples, type Program } from './program.js'

const FOLDER = './feedctl-demo'

export function register(program: Program, io: Io): void {
  const command = program
    .command('demo')
    .option('--folder <path>', "where its files go: an earlier demo's, or one that holds nothing yet", FOLDER)
    .action(({ folder }) => demo(io, resolve(io.cwd, folder)))
  examples(command, ['feedctl demo', 'feedctl demo --folder /tmp/feedctl-demo', 'feedctl demo --json'])
}

async function demo(io: Io, folder: string): Promise<void> {
  const [{ playDemo }, { Teller }, { nextSteps }, { shellPath }] = await Promise.all([
    import('../src/bench/demo/demo.js'),
    import('./demo/teller.js'),
    import('./demo/next.js'),
    import('./demo/invocation.js'),
  ])
  const teller = new Teller(io, shellPath(folder, io.env, io.cwd))
  const report = await playDemo({ folder, log: io.log, signal: io.signal, audience: teller })
  teller.closes(report, nextSteps(io, report.summary.envFile))
  const { total, failed } = report.summary.checks
  if (failed > 0) {
    throw new Failure('CHECK_FAILED', `${failed} of ${total} claims of the demo did not hold`, {
      hint: 'feedctl demo again, on a machine that is less busy',
    })
  }
}
