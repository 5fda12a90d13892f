import { z } from 'zod'
import { Failure } from '../kernel/errors.js'

const MAX_CHARS = 60
const WHOLE = /^(0|-?[1-9]\d{0,14})$/

/** Where a page ends, in a query and in an answer. */
export const CURSOR = z.string().meta({
  description: '`next` of the page before, as it is: its form may change.',
  examples: ['MTc2NDQxMDQwMDAwMC4yNzA'],
})
export const NEXT = z
  .string()
  .nullable()
  .meta({ description: 'Pass it as `cursor` for the next page; null on the last.', examples: ['MTc2NDQxMDQwMDAwMC4yNzA'] })

/** Whole numbers as a cursor that nobody reads meaning into. */
export function cursorOf(place: readonly number[]): string {
  return Buffer.from(place.join('.')).toString('base64url')
}

/** The numbers that `cursorOf` wrote, when they are so many. @throws {Failure} CURSOR_INVALID for all else */
export function readCursor(cursor: string, count: number): number[] {
  const texts = cursor.length > MAX_CHARS ? [] : Buffer.from(cursor, 'base64url').toString('latin1').split('.')
  const numbers = texts.filter(text => WHOLE.test(text)).map(Number)
  // Text that is no base64url is read as far as it goes.
  if (numbers.length === count && cursorOf(numbers) === cursor) return numbers
  throw new Failure('CURSOR_INVALID', 'the cursor is none that this list gave', { hint: 'begin anew, without a cursor' })
}
