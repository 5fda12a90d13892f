import type { Command } from '@commander-js/extra-typings'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { type ChoiceFlags, checkChoice, eachFailed, endOf } from './each-failed.js'
import { openFailures, selectionOf, viewsOf } from './failed-jobs.js'

export function registerForget(queue: Command, io: Io): void {
  const command = queue
    .command('forget')
    .description('remove failed jobs for good, and lift their quarantine')
    .argument('[ids...]', 'ids, as `queue failed` lists them')
    .option('--all', 'every failed job')
    .option('--tenant <slug>', "only this tenant's")
    .option('--error <fingerprint>', 'only failures of this kind: `queue failed --group`')
    .action(async (ids, flags) => {
      checkChoice('forget', ids, flags)
      await forget(io, ids, flags)
    })
  examples(command, ['feedctl queue forget --error 1f2e3d4c --yes', 'feedctl queue forget --tenant acme --yes'])
}

async function forget(io: Io, ids: readonly string[], flags: ChoiceFlags): Promise<void> {
  await using app = await opening(io)
  const selection = await selectionOf(app, flags)
  const desk = await app.desk()
  await io.confirm(`forget ${choiceWords(ids, flags)}`)
  const handled = await eachFailed(io, await openFailures(app), {
    ids,
    selection,
    perS: null,
    verb: 'forget',
    deed: async job => ((await desk.forget(job)) ? 'done' : 'skipped'),
  })
  const { done, skipped, jobs } = handled
  io.print(
    { forgotten: done, skipped, jobs: await viewsOf(app, jobs) },
    value => `forgot ${counted(value.forgotten, 'failed job')}`,
  )
  endOf(io, handled)
}

function choiceWords(ids: readonly string[], { tenant, error }: ChoiceFlags): string {
  if (ids.length > 0) return counted(new Set(ids).size, 'failed job')
  const whose = tenant === undefined ? '' : ` of tenant ${tenant}`
  return `all failed jobs${whose}${error === undefined ? '' : ` of the kind ${error}`}`
}
