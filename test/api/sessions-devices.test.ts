import { expect, test } from 'vitest'
import { Devices } from '../../src/api/sessions/devices.js'

const DAY_MS = 86_400_000

test('a browser is known by its mark for half a year, after another login for longer', () => {
  const clock = { now: Date.UTC(2026, 2, 1) }
  const devices = new Devices('hash', () => clock.now)
  const { id, mark } = devices.mark()
  clock.now += 179 * DAY_MS
  expect(devices.idOf(mark)).toBe(id)
  const again = devices.mark(id).mark
  clock.now += DAY_MS
  expect([devices.idOf(mark), devices.idOf(again)]).toEqual([null, id])
})

test('a mark that was changed, or made with another password, is none', () => {
  const devices = new Devices('hash')
  const { id, endsAt, mark } = devices.mark()
  const later = mark.replace(String(endsAt), String(endsAt + 1))
  const other = mark.replace(id, 'a'.repeat(22))
  const forged = [later, other, new Devices('other').mark(id).mark, `${id}.${endsAt}.`, `${id}.${endsAt}`, '', undefined]
  expect(forged.map(one => devices.idOf(one))).toEqual(forged.map(() => null))
})
