import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Crew } from '../../src/kernel/crew.js'
import { IdSet } from '../../src/media/verify/id-set.js'

it('a crew does so many at a time and all in the end', async () => {
  const crew = new Crew(3)
  let [busy, most, done] = [0, 0, 0]
  for (let deed = 0; deed < 20; deed++) {
    await crew.do(async () => {
      most = Math.max(most, ++busy)
      await pause(1)
      busy--
      done++
    })
  }
  await crew.end()
  expect([most, done]).toEqual([3, 20])
})

it('the first deed that fails fails the crew, which begins no other and lets those under way end', async () => {
  const crew = new Crew(2)
  let ended = false
  await crew.do(async () => {
    await pause(20)
    ended = true
  })
  await expect(
    crew.do(async () => {
      throw new Error('first')
    }),
  ).rejects.toThrow('first')
  await expect(crew.do(async () => {})).rejects.toThrow('first')
  await expect(crew.end()).rejects.toThrow('first')
  await crew.settled()
  expect(ended).toBe(true)
})

it('a set of ids knows what was added, and nothing else', () => {
  const ids = new IdSet()
  for (const id of [1, 8, 9, 70_000, 1_000_000]) ids.add(id)
  expect([1, 8, 9, 70_000, 1_000_000].every(id => ids.has(id))).toBe(true)
  expect([0, 2, 7, 10, 69_999, 70_001, 999_999, 5_000_000].some(id => ids.has(id))).toBe(false)
})
