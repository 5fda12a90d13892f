import { expect, test } from 'vitest'
import { startFeedServer } from '../../src/bench/feed-server/server.js'

test('a feed server that holds answers so many requests for sources, and the others when it lets go', async () => {
  await using server = await startFeedServer({ items: 1 })
  const ask = async (url: string) => (await fetch(url)).status
  server.hold(2)
  expect([await ask(server.urlOf(1)), await ask(server.faultUrl('status-404')), await ask(server.urlOf(2))]).toEqual([
    200, 404, 200,
  ])
  const held = [ask(server.urlOf(1)), ask(server.urlOf(3))]
  await expect.poll(() => server.stats().requests).toBe(5)
  expect(await Promise.race([...held, 'no answer'])).toBe('no answer')
  server.letGo()
  expect(await Promise.all(held)).toEqual([200, 200])
  expect(await ask(server.urlOf(4))).toBe(200)
})
