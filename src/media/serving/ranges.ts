/** A part of a file, both ends included. */
export interface FilePart {
  readonly first: number
  readonly last: number
}

/**
 * What a Range header asks of a file of so many bytes (RFC 9110, 14.2): a part; null for all of it, also where the header is not understood, names several
 * ranges, or the file is empty; `unsatisfiable` when the part is not in the file.
 */
export function parseRange(header: string | undefined, bytes: number): FilePart | 'unsatisfiable' | null {
  const [, from, to] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '') ?? []
  if (from === undefined || to === undefined || bytes === 0) return null
  if (from === '') {
    if (to === '') return null
    return Number(to) === 0 ? 'unsatisfiable' : { first: Math.max(0, bytes - Number(to)), last: bytes - 1 }
  }
  const first = Number(from)
  if (to !== '' && Number(to) < first) return null
  if (first >= bytes) return 'unsatisfiable'
  return { first, last: to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1) }
}
