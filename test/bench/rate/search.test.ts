import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LoadProcess } from '../../../src/bench/api/load-process.js'
import { highestRow } from '../../../src/bench/rate/highest.js'
import { type RateSearch, type SearchParts, searchRate } from '../../../src/bench/rate/search.js'
import { ASKED, serving } from './servers.js'

let generator: LoadProcess
beforeAll(() => {
  generator = LoadProcess.start(new AbortController().signal)
})
afterAll(() => generator[Symbol.asyncDispose]())

function search(parts: Pick<SearchParts, 'target'> & Partial<SearchParts>) {
  const noted: string[] = []
  const shape = { asked: [ASKED], connections: 40, warmUpMs: 100, repeatMs: 300, repeats: 3, threads: 1, goalMs: 1_000 }
  const limits = { startPerS: 50, mostPerS: 200, signal: new AbortController().signal, note: (line: string) => noted.push(line) }
  return searchRate({ generator, ...shape, ...limits, ...parts }).then(found => ({ ...found, noted }))
}

describe('the search for the highest rate at a goal', () => {
  it('ends below what the server refuses, and says so', async () => {
    let second = 0
    let inSecond = 0
    const { target } = await serving((_request, response) => {
      const now = Math.floor(performance.now() / 100)
      if (now !== second) inSecond = 0
      second = now
      // About a hundred a second: ten in each tenth of one.
      response.statusCode = ++inSecond > 12 ? 503 : 200
      response.end('ok')
    })
    const found = await search({ target, startPerS: 100, mostPerS: 1_000, repeatMs: 200, goalMs: 5_000 })
    expect(found.limit).toBe('server')
    expect(found.why).toMatch(/^at \d+ per second answers with 503 instead of 200/)
    expect(found.missedPerS as number).toBeGreaterThan(found.highestPerS ?? 0)
    expect(found.missedPerS as number).toBeLessThanOrEqual(200)
    expect(found.doubts).toEqual([])
    expect(found.noted).toHaveLength(found.steps.length)
  })

  it('ends at the cap where everything passes, and tells the best step', async () => {
    const { target } = await serving((_request, response) => void response.end('ok'))
    const found = await search({ target, goalMs: 10_000 })
    expect(found).toMatchObject({ highestPerS: 200, missedPerS: null, limit: 'cap', faults: [] })
    expect(found.steps.map(({ rate }) => rate)).toEqual([50, 100, 200])
    expect(found.doubts).toEqual(['no more than 200 per second were tried'])
    expect(found.latency).toMatchObject({ name: '200 per second', count: 180 })
    expect(found.throughput?.perS).toHaveLength(3)
  })

  it('finds nothing where nothing passes', async () => {
    const { target } = await serving((_request, response) => {
      response.statusCode = 500
      response.end()
    })
    const found = await search({ target, startPerS: 80, repeatMs: 200, goalMs: 10_000 })
    expect(found).toMatchObject({ highestPerS: null, missedPerS: 50, latency: null, throughput: null, limit: 'server' })
  })

  it('ends with what passed when the server goes away', async () => {
    const { target, server } = await serving((_request, response) => void response.end('ok'))
    const note = (line: string) => {
      if (!line.startsWith('50 per second')) return
      server.closeAllConnections()
      server.close()
    }
    const found = await search({ target, note, goalMs: 10_000 })
    expect(found).toMatchObject({ highestPerS: 50, missedPerS: 100, limit: 'server', faults: [], doubts: [] })
    expect(found.why).toContain('at 100 per second no connection: connect ECONNREFUSED')
    expect(found.steps.map(({ rate }) => rate)).toEqual([50, 100, 100])
    const never = await search({ target })
    expect(never).toMatchObject({ highestPerS: null, limit: 'server', faults: [expect.stringContaining('no connection')] })
    expect(highestRow('mvp', never, 100)).toMatchObject({ measured: null, valid: false, pass: false })
  })

  it.each([
    ['opens more where it may', 64, { highestPerS: 100, limit: 'cap' }],
    ['says so where it may not', 2, { limit: 'connections', why: expect.stringContaining('--connections') }],
  ])('does not take its own few connections for the limit of the server: %s', async (_name, mostConnections, expected) => {
    const { target } = await serving((_request, response) => void setTimeout(() => response.end('ok'), 100))
    const rates = { startPerS: 100, mostPerS: 100, repeats: 1, repeatMs: 150 }
    const found = await search({ target, connections: 2, mostConnections, goalMs: 1_000, ...rates })
    expect(found).toMatchObject(expected)
    if (mostConnections === 2) expect(highestRow('mvp', found, 100)).toMatchObject({ valid: false, pass: false })
  })

  it('stops when it is told to', async () => {
    const { target } = await serving((_request, response) => void response.end('ok'))
    const stopping = new AbortController()
    const note = () => stopping.abort(new Error('told to'))
    await expect(search({ target, note, signal: stopping.signal })).rejects.toThrow('told to')
  })
})

describe('the row of the highest rate', () => {
  const found = (changes: Partial<RateSearch>): RateSearch => ({
    ...{ highestPerS: 400, missedPerS: 420, limit: 'server', why: 'slow', steps: [], latency: null, throughput: null },
    ...{ faults: [], doubts: [], ...changes },
  })

  it.each([
    ['misses where the server is the limit', found({}), 500, { measured: 400, pass: false, valid: true }],
    ['misses where the server passes at no rate', found({ highestPerS: null }), 500, { measured: 0, pass: false, valid: true }],
    [
      'is not valid where the generator is the limit',
      found({ limit: 'generator', doubts: ['busy'] }),
      500,
      { pass: false, valid: false, why: 'busy' },
    ],
    [
      'passes where the generator is the limit, beyond the target',
      found({ limit: 'generator', doubts: ['busy'] }),
      300,
      { pass: true, valid: true },
    ],
    [
      'is not valid where nothing was found out',
      found({ highestPerS: null, limit: 'generator', doubts: ['busy'], faults: ['busy'] }),
      null,
      { measured: null, pass: null, valid: false },
    ],
    ['is told without a target', found({ limit: 'cap', doubts: ['cap'] }), null, { measured: 400, pass: null, valid: true }],
  ] as const)('%s', (_name, search, target, expected) => {
    expect(highestRow('growth', search, target)).toMatchObject({ metric: 'highest_rate_per_s', target, ...expected })
  })
})
