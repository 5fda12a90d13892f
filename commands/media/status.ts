import type { Command } from '@commander-js/extra-typings'
import { bytes, count, counted, duration } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import { Failure } from '../../src/kernel/errors.js'
import type { MediaStanding } from '../../src/media/standing.js'
import { MEDIA_STATES } from '../../src/media/states.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { intakeAdvice, linkSumWords } from './link-words.js'
import { tenantsOf } from './naming.js'

export function registerStatus(media: Command, io: Io): void {
  const command = media
    .command('status')
    .description('how far the media of all tenants are, what could not be stored, who reads what from where, and what can go')
    .action(async () => {
      await using app = await opening(io)
      const { mediaStanding } = await import('../../src/media/standing.js')
      const standing = await mediaStanding(app.catalog, await tenantsOf(app, []), Date.now())
      io.print({ ...standing, advice: advice(standing) }, words)
      const [first] = standing.failures
      if (first !== undefined) {
        const those = counted(standing.failures.length, 'tenant')
        throw new Failure('PARTIAL', `${those} could not be asked, and are in no sum; ${first.tenant}: ${first.message}`)
      }
    })
  examples(command, ['feedctl media status', 'feedctl media status --json'])
}

/** The sentence that says what may be done next. */
function advice(standing: MediaStanding): string {
  const said = [intakeAdvice(standing.links), fileAdvice(standing)].filter(words => words !== null)
  return said.length === 0 ? 'nothing is to be done' : said.join('; ')
}

function fileAdvice({ removable, due, reads, states }: MediaStanding): string | null {
  if (removable.files === 0) {
    const { files, bytes: size } = waiting(states)
    return files === 0 ? null : `${counted(files, 'file')} (${bytes(size)}) are not in the bucket yet`
  }
  const { quietMs } = reads.local
  const quiet = quietMs === null ? 'no local reads were counted' : `no local reads for ${quietWords(quietMs)}`
  const graced = due.files > 0 ? `; the grace of ${bytes(due.bytes)} is over: feedctl media prune` : ''
  return `${quiet}, ${bytes(removable.bytes)} can go${graced}`
}

function waiting(states: MediaStanding['states']): { files: number; bytes: number } {
  const open = (['seen', 'hashed', 'uploading', 'uploaded'] as const).map(state => states[state])
  return { files: open.reduce((sum, { files }) => sum + files, 0), bytes: open.reduce((sum, state) => sum + state.bytes, 0) }
}

/** Whole hours from one on, as people speak of days of quiet. */
function quietWords(ms: number): string {
  return ms < 3_600_000 ? duration(ms) : `${count(Math.floor(ms / 3_600_000))} h`
}

function words(standing: MediaStanding & { readonly advice: string }, style: Style): string {
  const { states, reads, failed, links } = standing
  const rows = table(
    MEDIA_STATES.map(state => ({ state, ...states[state] })),
    [
      { title: 'STATE', cell: row => row.state },
      { title: 'FILES', cell: row => count(row.files), right: true },
      { title: 'SIZE', cell: row => bytes(row.bytes), right: true },
    ],
    style,
  )
  const readWords = ({ reads: sum, quietMs }: MediaStanding['reads']['local']) =>
    `${count(sum)}${quietMs === null ? '' : `, the last ${duration(quietMs)} ago`}`
  return [
    rows.trimEnd(),
    `reads   local ${readWords(reads.local)} · bucket ${readWords(reads.wasabi)}`,
    linkSumWords(links, style),
    ...(failed > 0 ? [style.red(`failed  ${counted(failed, 'file')} at the last attempt: feedctl media list <slug>`)] : []),
    standing.advice,
  ].join('\n')
}
