import { dirname } from 'node:path'
import type { Config } from '../kernel/config.js'
import { Failure } from '../kernel/errors.js'
import { DEEDS, type Invocation, ownerLine, wordsOfDeed } from './invocation.js'
import { parsePattern } from './pattern.js'

const BEGIN = '# feedctl begin'
const END = '# feedctl end'
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The lines of a crontab of their own. Cron knows no UTC: the times are those of its machine. */
export function crontab(invocation: Invocation, config: Pick<Config, 'syncEveryS' | 'pruneAt'>): string {
  return block(invocation, [`PATH=${dirname(invocation.node)}:${SYSTEM_PATH}`, ...lines(invocation, config)])
}

/** The same for a crontab of someone: without the PATH, which would count for the lines after it. The commands need none. */
export function crontabBlock(invocation: Invocation, config: Pick<Config, 'syncEveryS' | 'pruneAt'>): string {
  return block(invocation, lines(invocation, config))
}

/** The crontab with this block in the place of the one it had, or at its end; null takes it out. Every other line stays as it is. @throws {Failure} FILE_UNREADABLE for half a block */
export function withBlock(text: string, replacement: string | null): string {
  const { rows, begin, end } = partsOf(text)
  if (begin !== undefined && end !== undefined) {
    return [...rows.slice(0, begin), ...(replacement === null ? [] : [replacement]), ...rows.slice(end + 1)].join('')
  }
  if (replacement === null) return text
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${replacement}`
}

/** The block of the crontab; '' when there is none. @throws {Failure} FILE_UNREADABLE for half a block */
export function blockIn(text: string): string {
  const { rows, begin, end } = partsOf(text)
  return begin === undefined || end === undefined ? '' : rows.slice(begin, end + 1).join('')
}

function partsOf(text: string): { rows: string[]; begin: number | undefined; end: number | undefined } {
  const rows = text.split(/(?<=\n)/)
  const places = (mark: string) => rows.flatMap((row, index) => (row.trimEnd() === mark ? [index] : []))
  const [begins, ends] = [places(BEGIN), places(END)]
  const [begin, end] = [begins[0], ends[0]]
  if (begins.length > 1 || ends.length > 1 || (begin === undefined) !== (end === undefined) || (begin ?? 0) > (end ?? 0)) {
    throw new Failure('FILE_UNREADABLE', `the crontab has no whole block from "${BEGIN}" to "${END}"`, {
      hint: 'crontab -e, and take the lines of feedctl out',
    })
  }
  return { rows, begin, end }
}

/** The pattern that begins at least as often, in even steps; once a minute is the most. */
export function cronEvery(seconds: number): string {
  const minutes = Math.max(1, Math.floor(seconds / 60))
  if (minutes < 60) return every(largestDivisor(60, minutes), '* * * *')
  const hours = largestDivisor(24, Math.floor(minutes / 60))
  return hours === 24 ? '0 0 * * *' : `0 ${every(hours, '* * *')}`
}

function every(step: number, rest: string): string {
  return `${step === 1 ? '*' : `*/${step}`} ${rest}`
}

function largestDivisor(whole: number, atMost: number): number {
  for (let step = Math.min(whole, atMost); ; step--) if (whole % step === 0) return step
}

function lines(invocation: Invocation, config: Pick<Config, 'syncEveryS' | 'pruneAt'>): string[] {
  parsePattern(config.pruneAt, 0)
  const nightly = config.pruneAt.trim().split(/\s+/).join(' ')
  const at = (pattern: string, deed: readonly string[]) => {
    const command = wordsOfDeed(invocation, deed).map(shellWord).join(' ')
    return `${pattern} cd ${shellWord(invocation.folder)} && ${command}`
  }
  const { sync, prune, pruneMedia, remove } = DEEDS
  return [at(cronEvery(config.syncEveryS), sync), ...[prune, pruneMedia, remove].map(deed => at(nightly, deed))]
}

function block(invocation: Invocation, rows: readonly string[]): string {
  return [BEGIN, '# written by `feedctl schedule`; the times are those of this machine', ownerLine(invocation), ...rows, END]
    .map(row => `${row}\n`)
    .join('')
}

/** A % ends a command for cron unless a backslash is before it. */
function shellWord(text: string): string {
  const quoted = /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
  return quoted.replaceAll('%', '\\%')
}
