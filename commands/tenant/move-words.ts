import { count, counted, duration } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import { holderWords } from '../../src/kernel/holder.js'
import type { MovePage, MoveView } from '../../src/tenants/moving/listing.js'
import type { Moved } from '../../src/tenants/moving/move.js'
import type { ManyReport } from '../../src/tenants/moving/move-many.js'
import type { Planned } from '../../src/tenants/moving/plan.js'
import type { Settled } from '../../src/tenants/moving/requests.js'
import type { Placement } from '../../src/tenants/tenant.js'
import { placementWords } from './view.js'

const SHOWN = 20

/** What may become of one tenant. */
export type Ended = Moved | Planned | Settled

export function viewOf({ tenants, moves, failures }: ManyReport<Ended>, durationMs: number) {
  return {
    tenants,
    moves,
    failures: failures.map(({ tenant, failure }) => ({ tenant, code: failure.code, message: failure.message })),
    durationMs,
  }
}

type View = ReturnType<typeof viewOf>

export function reportWords({ tenants, moves, failures, durationMs }: View, style: Style): string {
  const ends = moves.slice(0, SHOWN).map(end => `${style.bold(end.tenant)} ${endWords(end)}`)
  const rest = tenants.done + tenants.there - ends.length
  const more = rest > 0 ? [`and ${counted(rest, 'more tenant')}`] : []
  const failed = failures.slice(0, SHOWN).map(({ tenant, code, message }) => style.red(`${tenant}: ${message} (${code})`))
  const { total, done, there } = tenants
  const sum = `${done} of ${counted(total, 'tenant')} done, ${there} there already, ${tenants.failed} failed, in ${duration(durationMs)}`
  if (total === 0) return 'no tenants'
  return [...ends, ...more, ...failed, ...(total > 1 ? [sum] : [])].join('\n')
}

function endWords(end: Ended): string {
  switch (end.outcome) {
    case 'there':
      return 'to' in end ? `is there already: ${placeWords(end.to)}` : 'has nothing of the kind'
    case 'would move':
      return `would move with ${counted(end.rows, 'row')}:\n  from  ${placeWords(end.from)}\n  to    ${placeWords(end.to)}${tableWords(end)}`
    case 'moved':
      return [
        `${movedWords(end)}:`,
        `  from  ${placeWords(end.from)}${end.keptUntilAt === null ? '' : ` (old copy kept until ${timeWords(end.keptUntilAt)})`}`,
        `  to    ${placeWords(end.to)}`,
      ].join('\n')
    case 'undone':
      return `is as before; removed ${end.removed.map(placeWords).join(', ') || 'nothing'}`
    case 'finished':
      return `keeps no old copy there any more; removed ${end.removed.map(placeWords).join(', ') || 'nothing'}`
  }
}

function movedWords({ rows, durationMs, fencedMs }: Moved): string {
  const time = `in ${duration(durationMs)}`
  if (rows === null || fencedMs === null) return `moved ${time}; the answer to its switch was lost`
  return `moved with ${counted(rows, 'row')} ${time}, not written for ${duration(fencedMs)}`
}

function tableWords({ tables }: Planned): string {
  const words = Object.entries(tables).map(([name, rows]) => `${name} ${count(rows)}`)
  return words.length === 0 ? '' : `\n  rows  ${words.join(', ')}`
}

export function listWords({ moves, next }: MovePage, style: Style): string {
  if (moves.length === 0) return 'no moves'
  const rows = table(
    moves,
    [
      { title: 'ID', cell: move => move.id },
      { title: 'TENANT', cell: move => move.tenant },
      { title: 'STATE', cell: move => move.state },
      { title: 'FROM', cell: move => placeWords(move.from) },
      { title: 'TO', cell: move => placeWords(move.to) },
      { title: 'NOW', cell: standingWords },
    ],
    style,
  )
  return next === null ? rows : `${rows}more: --after ${next}`
}

/** What is done with it now, or why nothing is. */
function standingWords({ state, holder, failureCode, keptUntilAt }: MoveView): string {
  if (keptUntilAt !== null) return `old copy kept until ${timeWords(keptUntilAt)}`
  if (state === 'finished' || state === 'undone' || state === 'resumed') return failureCode ?? ''
  if (holder !== null) return holderWords(holder)
  return failureCode === null ? 'nobody works on it' : `left after ${failureCode}`
}

/** A line of `tenant show`. */
export function moveWords(move: MoveView): string {
  const way = move.state === 'switched' ? `from ${placeWords(move.from)}` : `to ${placeWords(move.to)}`
  return `  move       ${move.state}, ${way}; ${standingWords(move)}`
}

/** A placement is forgotten some time after its database was removed. */
function placeWords(placement: Placement | null): string {
  return placement === null ? 'gone' : placementWords({ placement })
}

function timeWords(at: number): string {
  return new Date(at).toISOString()
}
