import { expect, it } from 'vitest'
import { parseDate } from '../../../src/feeds/parse/dates.js'

const NOW = Date.UTC(2030, 0, 1)

it('gives whole milliseconds between 1970 and now, or null, for any mixture', () => {
  const parts = [
    '31',
    ' ',
    'jan',
    '2026',
    ':',
    '-',
    '/',
    '.',
    ',',
    'T',
    '+',
    '0',
    '99',
    'pm',
    'de',
    'mars',
    '\u5e74',
    '\ud800',
    '(',
    'z',
    'uhr',
  ]
  let state = 1
  const next = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 16) % below
  }
  let read = 0
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from({ length: next(16) }, () => parts[next(parts.length)]).join('')
    const at = parseDate(text, NOW)
    if (at === null) continue
    read++
    expect([text, Number.isInteger(at) && at >= 0 && at <= NOW]).toEqual([text, true])
  }
  expect(read).toBeGreaterThan(100)
})
