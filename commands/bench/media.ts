import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { settingsOf } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { runScenario, scenarioCommand } from './scenario.js'

export function registerMedia(bench: Command, io: Io): void {
  const command = scenarioCommand(
    bench,
    'media',
    'measure the migration of generated files to a bucket of this machine, beside rclone where it is installed',
  )
    .option('--files <n>', 'files', wholeNumber(1, 1_000_000), 3_000)
    .option('--bytes <n>', 'size of each, bytes', wholeNumber(100, 50_000_000), 20_000)
    .option('--large', 'also 200 files of 20 MB: 4 GB in the folder for temporary files, and in the bucket')
    .option('--transfers <n>', 'uploads that rclone has in flight', wholeNumber(1, 1_000), 32)
    .option('--repeat <n>', 'rounds, each with all files', wholeNumber(1, 100), 3)
    .action((given, self) =>
      runScenario(
        io,
        self,
        { scenario: 'media', hint: 'rclone on this machine, and nothing else running on it meanwhile' },
        given,
        async ({ files, bytes, large, transfers, repeat }) => {
          const [{ benchMedia }, { LARGE, SMALL }, { asText }] = await Promise.all([
            import('../../src/bench/media/bench.js'),
            import('../../src/bench/media/load.js'),
            import('./media-text.js'),
          ])
          const shapes = [{ ...SMALL, files, bytes }, ...(large ? [LARGE] : [])]
          const { env, signal } = io
          const result = await benchMedia({
            operator: settingsOf(io),
            env,
            load: { shapes, transfers, repeat },
            watcher: io,
            signal,
          })
          return { result, asText }
        },
      ),
    )
  examples(command, [
    'WASABI_ENDPOINT=http://127.0.0.1:7480 WASABI_BUCKET=bench feedctl bench media',
    'WASABI_ENDPOINT=http://127.0.0.1:7480 WASABI_BUCKET=bench feedctl bench media --large --assert --json',
  ])
}
