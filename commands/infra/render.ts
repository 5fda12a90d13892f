import { resolve } from 'node:path'
import { type Command, Option } from '@commander-js/extra-typings'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import type { RenderedFile } from '../../src/infra/files.js'
import type { Written } from '../../src/infra/folder.js'
import { Failure } from '../../src/kernel/errors.js'
import { examples } from '../program.js'

/** Those of src/infra/render.ts, which is loaded only when something is rendered. */
const PHASES = ['scale', 'enterprise'] as const

export function registerRender(infra: Command, io: Io): void {
  const command = infra
    .command('render')
    .description('write every file of a deployment into a folder, from one description')
    .addOption(new Option('--phase <phase>', 'phase of the guide').choices(PHASES).makeOptionMandatory())
    .requiredOption('--out <dir>', 'folder to write; with files of others in it only with --yes')
    .option('--deployment <file>', 'description of the deployment, YAML or JSON (default: that of `feedctl infra describe`)')
    .action(async ({ phase, out, deployment: file }) => {
      const [{ defaultDeployment, readDeployment }, { renderFiles }, { foreignIn, writeFolder, wordsOfForeign }] =
        await Promise.all([
          import('../../src/infra/description/read.js'),
          import('../../src/infra/render.js'),
          import('../../src/infra/folder.js'),
        ])
      const folder = resolve(io.cwd, out)
      const files = renderFiles(phase, file === undefined ? defaultDeployment() : await readDeployment(resolve(io.cwd, file)))
      const foreign = wordsOfForeign(await foreignIn(folder))
      if (foreign !== null && !io.flags.yes) {
        throw new Failure('FOLDER_TAKEN', `${out} has ${foreign}`, { hint: 'an empty folder, or the same command with --yes' })
      }
      const written = await writeFolder(folder, phase, files)
      io.print({ phase, out: folder, files: files.map(view), ...written }, () => asText(out, files, written))
    })
  examples(command, [
    'feedctl infra render --phase scale --out deployment',
    'feedctl infra render --phase scale --out deployment --deployment deployment.yaml',
  ])
}

function view({ path, machine, destination, mode, about }: RenderedFile) {
  return { path, machine, destination, mode: mode.toString(8).padStart(4, '0'), about }
}

function asText(out: string, files: readonly RenderedFile[], written: Written): string {
  const { created, replaced, unchanged, removed } = written
  const width = Math.max(...files.map(({ path }) => path.length))
  return [
    `rendered ${counted(files.length, 'file')} into ${out}: ${created} created, ${replaced} replaced, ${unchanged} unchanged, ${removed} removed`,
    ...files.map(({ path, about }) => `  ${path.padEnd(width)}  ${about}`),
  ].join('\n')
}
