import { randomToken } from '../../kernel/hash.js'

/** open: its owner appends to it · sealed: it waits · taken: its holder works on it · asked: somebody wants the open one to be sealed · damaged: kept for people. */
export type SegmentState = 'open' | 'sealed' | 'taken' | 'asked' | 'damaged'

/** A file of records, as its name tells of it. */
export interface Segment {
  readonly state: SegmentState
  /** `<epoch ms of its first record, 13 digits>-<token>`: names in order are in order of time. */
  readonly id: string
  /** Null of one that is open. */
  readonly batches: number | null
  /** Who owns one that is open, or works on one that is taken; else null. */
  readonly holder: string | null
  readonly name: string
}

const ID = /^\d{13}-[\w-]+$/

export function newSegmentId(now: number): string {
  return `${String(now).padStart(13, '0')}-${randomToken()}`
}

export function startedAt({ id }: Segment): number {
  return Number(id.slice(0, 13))
}

export function openName(id: string, holder: string): string {
  return `open.${id}.${encodeURIComponent(holder)}`
}

export function sealedName(id: string, batches: number): string {
  return `sealed.${id}.${batches}`
}

export function takenName(id: string, batches: number, holder: string): string {
  return `taken.${id}.${batches}.${encodeURIComponent(holder)}`
}

export function askedName(id: string): string {
  return `asked.${id}`
}

export function damagedName(id: string): string {
  return `damaged.${id}`
}

/** Null for a file that is none of the journal's. */
export function segmentOf(name: string): Segment | null {
  const [state, id = '', ...rest] = name.split('.')
  if (!ID.test(id)) return null
  if (state === 'asked' || state === 'damaged') return { state, id, batches: null, holder: null, name }
  if (state === 'open') return { state, id, batches: null, holder: decodeURIComponent(rest.join('.')), name }
  const batches = Number(rest[0])
  if (!Number.isSafeInteger(batches)) return null
  if (state === 'sealed') return { state, id, batches, holder: null, name }
  return state === 'taken' ? { state, id, batches, holder: decodeURIComponent(rest.slice(1).join('.')), name } : null
}
