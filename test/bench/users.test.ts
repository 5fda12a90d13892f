import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import { concurrentUsers } from '../../src/bench/api/concurrent-users.js'
import { Connection } from '../../src/bench/api/connection.js'
import { Checker } from '../../src/bench/api/expectations.js'
import { littleFault } from '../../src/bench/api/little.js'
import { serving } from './rate/servers.js'

test.each([{}, { secure: true }] as const)('a connection that does not become one is given up: %o', async how => {
  const silent = createTcpServer(() => {})
  // One that nobody takes from the queue of: TCP is open at once, TLS never.
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void silent.close())
  const { port } = silent.address() as AddressInfo
  const events = { onAnswer: () => {}, onLost: () => {}, wantsBody: () => false }
  const opening = Connection.open({ host: '127.0.0.1', port, ...how }, events, null, 200)
  if (!('secure' in how)) return (await opening).close()
  await expect(opening).rejects.toThrow('no connection: it was not open after 0.2 s')
})

test('nothing at all is a wrong answer where there was something', () => {
  const checker = new Checker()
  const answer = { status: 200, bytes: 0, body: null, retryAfterS: null, isLast: false }
  checker.check({ text: '', status: 200, bytes: null, sha256: null }, answer)
  checker.check({ text: '', status: 200, bytes: null, sha256: null, isNeverEmpty: true }, { ...answer, bytes: 1 })
  checker.check({ text: '', status: 200, bytes: null, sha256: null, isNeverEmpty: true }, answer)
  expect(checker.tally()).toMatchObject({ answers: 3, wrong: 1, complaints: ['empty answers'] })
})

test.each([
  [6, 3],
  [2, 5],
])('%d users at once are of %d tenants in turn', async (connections, tenants) => {
  const tokens = Array.from({ length: tenants }, (_, n) => `token-${n}`)
  const requests = tokens.map(token => ({ path: '/a', headers: { authorization: `Bearer ${token}` } }))
  const asked = new Map<string, number>()
  const { target } = await serving((request, response) => {
    const key = `${request.url} ${request.headers.authorization}`
    asked.set(key, (asked.get(key) ?? 0) + 1)
    response.end('ok')
  })
  const { wrong, lost, strange } = await concurrentUsers({ target, connections, durationS: 3, requests })
  expect({ wrong, lost, strange }).toEqual({ wrong: 0, lost: 0, strange: [] })
  expect([...asked.keys()].sort()).toEqual(tokens.map(token => `/a Bearer ${token}`))
})

describe('users of autocannon', () => {
  const requests = [{ path: '/a', headers: {} }]

  it('are waited for, and all that they asked is counted', async () => {
    let asked = 0
    const { target } = await serving((_request, response) => {
      asked++
      setTimeout(() => response.end('ok'), 1_300)
    })
    const result = await concurrentUsers({ target, connections: 4, durationS: 1, requests })
    expect(result).toMatchObject({ answers: 4, lost: 0, strange: [] })
    expect(asked).toBe(4)
  })

  it('whose connections are closed are told of', async () => {
    let turn = 0
    const { target } = await serving((request, response) => {
      if (++turn === 5) request.socket.end()
      else setTimeout(() => response.end('ok'), 100)
    })
    const { lost, complaints } = await concurrentUsers({ target, connections: 2, durationS: 1, requests })
    expect({ lost, complaints }).toEqual({ lost: 1, complaints: ['connections lost: no answer'] })
  })

  it('wait as long as they are there', () => {
    expect(littleFault(10_000, 10_500)).toEqual([])
    expect(littleFault(7_000, 10_000)).toEqual([
      'the times of all requests come to 70 % of those that users waited: some are missing, or wrong',
    ])
    expect(littleFault(13_000, 10_000)).toHaveLength(1)
  })
})
