import { Failure } from '../../kernel/errors.js'
import type { ByteRange } from './driver.js'

/** The range within an object of so many bytes, `last` at its end at most; null for the whole. @throws {Failure} USAGE where it is outside of the object */
export function within(range: ByteRange | null, bytes: number): { readonly first: number; readonly last: number } | null {
  if (range === null) return null
  const last = Math.min(range.last ?? bytes - 1, bytes - 1)
  if (range.first < 0 || range.first > last) throw outside(range, bytes)
  return { first: range.first, last }
}

export function outside(range: ByteRange, bytes: number | null): Failure {
  const size = bytes === null ? 'the object' : `an object of ${bytes} bytes`
  return new Failure('USAGE', `bytes ${range.first} to ${range.last ?? 'the end'} are not within ${size}`)
}
