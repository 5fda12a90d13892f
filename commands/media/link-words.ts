import { count, counted } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import type { LinkReason, LinkSums } from '../../src/media/link-sums.js'
import type { listLinks } from '../../src/media/list-links.js'

export function linkLines({ links, next }: Awaited<ReturnType<typeof listLinks>>, style: Style): string {
  if (links.length === 0) return 'no links'
  const rows = table(
    links,
    [
      { title: 'POST', cell: row => row.postId, right: true },
      { title: 'STATE', cell: row => row.state },
      { title: 'FAILURE', cell: row => row.failure?.code ?? null, paint: text => (text === '-' ? text : style.red(text)) },
      {
        title: 'NEXT',
        cell: row => (row.nextAt === null ? null : new Date(row.nextAt).toISOString().slice(0, 16).replace('T', ' ')),
      },
      { title: 'URL', cell: row => row.url },
    ],
    style,
  )
  return next === null ? rows : `${rows}more: --after ${next}`
}

/** What is still to be stored of what posts name; null when nothing is. */
export function intakeAdvice({ posts, waiting, failed }: LinkSums): string | null {
  const words = [
    ...(posts > 0 ? [`the media of ${counted(posts, 'post')} is not looked at yet`] : []),
    ...(waiting > 0 ? [`${counted(waiting, 'link')} ${waiting === 1 ? 'waits' : 'wait'} to be stored`] : []),
    ...(failed.links > 0 ? [`${counted(failed.links, 'link')} failed, ${triedAgain(failed)}`] : []),
  ]
  if (words.length === 0) return null
  const where = failed.links > 0 ? 'feedctl media list <slug> --links --state failed' : 'feedctl sync --all'
  return `${words.join(', ')}: ${where}`
}

function triedAgain({ links, givenUp }: LinkSums['failed']): string {
  if (givenUp === 0) return 'tried again later'
  return givenUp === links ? 'not tried again' : `${count(givenUp)} of them not tried again`
}

/** One line of `feedctl media status`. */
export function linkSumWords({ waiting, failed, refused }: LinkSums, style: Style): string {
  const failedWords = `${count(failed.links)} failed${mostly(failed.reason)}`
  return [
    `links   ${count(waiting)} waiting`,
    failed.links > 0 ? style.red(failedWords) : failedWords,
    `${count(refused.links)} refused${mostly(refused.reason)}`,
  ].join(' · ')
}

function mostly(reason: LinkReason | null): string {
  return reason === null ? '' : ` (most with ${reason.code})`
}
