import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LoadProcess } from '../../../src/bench/api/load-process.js'
import { type SearchParts, searchRate } from '../../../src/bench/rate/search.js'
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

  it('stops when it is told to', async () => {
    const { target } = await serving((_request, response) => void response.end('ok'))
    const stopping = new AbortController()
    const note = () => stopping.abort(new Error('told to'))
    await expect(search({ target, note, signal: stopping.signal })).rejects.toThrow('told to')
  })
})
