import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { chartsOf } from '../../../src/bench/api/drawing.js'
import { Latencies } from '../../../src/bench/api/latencies.js'
import { LoadProcess } from '../../../src/bench/api/load-process.js'
import type { RateOrder, RateResult, RepeatResult } from '../../../src/bench/rate/order.js'
import { measureRate, type RateParts } from '../../../src/bench/rate/step.js'
import { threadsFor } from '../../../src/bench/rate/threads.js'
import { refusedRate } from '../../../src/bench/rate/verdict.js'
import { ASKED, serving, standStill } from './servers.js'

let generator: LoadProcess
beforeAll(() => {
  generator = LoadProcess.start(new AbortController().signal)
})
afterAll(() => generator[Symbol.asyncDispose]())

const SHAPE = { asked: [ASKED], connections: 50, warmUpMs: 200, repeatMs: 500, repeats: 3, threads: 2 }

async function send(order: Pick<RateOrder, 'target' | 'perS'> & Partial<RateOrder>): Promise<RateResult> {
  return (await generator.run<RateResult>('sendAtRate', { ...SHAPE, patienceMs: 2_000, ...order })).result
}

describe('requests at a rate', () => {
  it('are sent by threads in turn, each once, and as many as are due', async () => {
    const ports = new Set<number>()
    const paths = new Map<string, number>()
    const { target } = await serving((request, response) => {
      ports.add(request.socket.remotePort ?? 0)
      paths.set(request.url ?? '', (paths.get(request.url ?? '') ?? 0) + 1)
      response.end('ok')
    })
    const asked = ['/a', '/b', '/c'].map(path => ({ ...ASKED, text: ASKED.text.replace('/a', path) }))
    const result = await send({ target, perS: 300, asked })
    expect(result.threads).toBe(2)
    expect(result.repeats.map(({ tally }) => [tally.answers, tally.wrong, tally.lost])).toEqual([
      [150, 0, 0],
      [150, 0, 0],
      [150, 0, 0],
    ])
    // 60 more are of the warm-up.
    expect([...paths].sort()).toEqual([
      ['/a', 170],
      ['/b', 170],
      ['/c', 170],
    ])
    expect(ports.size).toBeLessThanOrEqual(50)
    expect(result.arrivals.came).toHaveLength(6)
    expect(result.arrivals.came.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(300)
  })

  it('that come while the server stands still are late from when they were due', async () => {
    let answered = 0
    const { target } = await serving((_request, response) => {
      answered++
      // The generator's threads are in a process of their own.
      if (answered === 60) standStill(600)
      response.end('ok')
    })
    const { repeats } = await send({ target, perS: 200, repeatMs: 1_500, repeats: 1, connections: 4 })
    const [{ tally, latencies }] = repeats as [RepeatResult]
    expect(tally).toMatchObject({ answers: 300, wrong: 0, lost: 0 })
    const { p95Ms, p50Ms } = new Latencies().merge(latencies).figures()
    // 120 of 300 were to come meanwhile: from when they were sent, only the four under way would have waited.
    expect(p95Ms).toBeGreaterThan(300)
    expect(p50Ms).toBeLessThan(p95Ms as number)
  })

  it('that are never answered count with all the time that was waited for them', async () => {
    const { target } = await serving((request, response) => {
      if (request.url === '/a') response.end('ok')
    })
    const asked = [ASKED, { ...ASKED, text: ASKED.text.replace('/a', '/never') }]
    const [repeat] = (await send({ target, perS: 20, asked, repeats: 1, repeatMs: 1_000, patienceMs: 300 })).repeats
    const { tally, latencies } = repeat as RepeatResult
    expect(tally).toMatchObject({ answers: 10, lost: 10, complaints: ['connections lost: no answer'] })
    expect(new Latencies().merge(latencies).figures()).toMatchObject({ count: 20, p99Ms: expect.toSatisfy(ms => ms > 300) })
  })

  it('go on over new connections when the server closes each, or those that are idle', async () => {
    let requests = 0
    const closing = await serving((_request, response) => {
      requests++
      response.setHeader('connection', 'close').end('ok')
    })
    const closed = await send({ target: closing.target, perS: 100 })
    expect(closed.repeats.map(({ tally }) => [tally.answers, tally.lost])).toEqual([
      [50, 0],
      [50, 0],
      [50, 0],
    ])
    expect(closed.reopened).toBeGreaterThanOrEqual(requests - SHAPE.connections)
    const idling = await serving((_request, response) => void response.end('ok'))
    idling.server.keepAliveTimeout = 50
    const idle = await send({ target: idling.target, perS: 4, repeatMs: 1_500, repeats: 1, connections: 2, threads: 1 })
    expect(idle.repeats[0]?.tally).toMatchObject({ answers: 6, lost: 0, wrong: 0 })
  })

  it('are sent again when their connection had been idle, and the server closed it at that moment', async () => {
    const since = new Map<object, number>()
    let cuts = 0
    const { target } = await serving((request, response) => {
      const idleMs = performance.now() - (since.get(request.socket) ?? Number.POSITIVE_INFINITY)
      since.set(request.socket, performance.now())
      if (idleMs < 1_100 || cuts++ > 0) return void response.end('ok')
      request.socket.destroy()
    })
    const { repeats } = await send({ target, perS: 0.8, warmUpMs: 0, repeatMs: 2_600, repeats: 1, connections: 1, threads: 1 })
    expect(repeats[0]?.tally).toMatchObject({ answers: 2, lost: 0 })
    expect(cuts).toBeGreaterThan(0)
  })

  it('are lost, one by one, when the server goes away', async () => {
    let answered = 0
    const { target, server } = await serving((_request, response) => {
      if (++answered < 50) return void response.end('ok')
      server.closeAllConnections()
      server.close()
    })
    const { repeats } = await send({ target, perS: 100, repeats: 1, repeatMs: 1_000 })
    const [{ tally }] = repeats as [RepeatResult]
    expect(tally.answers + tally.lost).toBe(100)
    expect(tally.lost).toBeGreaterThan(50)
  })

  it('cannot be sent where nobody answers', async () => {
    const { target, server } = await serving(() => {})
    server.close()
    expect(await send({ target, perS: 10 })).toEqual({ refused: expect.stringContaining('no connection: connect ECONNREFUSED') })
  })
})

test('a rate takes one thread for each 8,000, of those there are cores for', () => {
  expect([1, 8_000, 8_001, 50_000].map(perS => threadsFor(perS, 4))).toEqual([1, 1, 2, 4])
})

describe('a step', () => {
  const parts = (changes: Partial<RateParts>): RateParts =>
    ({ ...SHAPE, generator, goalMs: 5_000, threads: 1, ...changes }) as RateParts

  it('passes with all answers right and in time', async () => {
    const { target } = await serving((_request, response) => void response.end('ok'))
    const { step, medians, drawing, faults } = await measureRate(parts({ target }), 100)
    expect({ ...step, faults }).toMatchObject({ rate: 100, pass: true, valid: true, why: null, faults: [] })
    expect(step.achieved).toBeGreaterThan(0)
    expect(medians.p99Ms).toBe(step.p99Ms)
    const { latency, throughput } = chartsOf({ rate: [drawing], none: [] }, [step])
    expect(latency.map(({ name, count, buckets }) => [name, count, buckets.reduce((sum, one) => sum + one.count, 0)])).toEqual([
      ['rate', 150, 150],
    ])
    expect(throughput).toMatchObject([{ name: 'rate', everyMs: 250, perS: expect.toSatisfy(list => list.length === 6) }])
  })

  it.each([1, 2])('passes nothing while its generator is saturated: a million per second on %d threads', async threads => {
    const { target } = await serving((_request, response) => void response.end('ok'))
    // No thread begins so many in a second, nor sees in time that they are due.
    const { step, doubts } = await measureRate(parts({ target, threads, repeatMs: 150, goalMs: 10 }), 1_000_000)
    expect(step).toMatchObject({ valid: false, pass: false })
    expect(doubts.join()).toMatch(/the load generator was (saturated|late)/)
  })

  it('is counted to its end at few requests per second', async () => {
    const { target } = await serving((_request, response) => void response.end('ok'))
    const { step } = await measureRate(parts({ target, repeatMs: 400 }), 3)
    expect(step).toMatchObject({ valid: true, pass: true, why: null })
  })

  it('fails with one wrong answer, and says what it was', async () => {
    let turn = 0
    const { target } = await serving((_request, response) => {
      response.statusCode = ++turn === 100 ? 503 : 200
      response.end('ok')
    })
    const { step } = await measureRate(parts({ target }), 100)
    expect(step).toMatchObject({ pass: false, valid: true, why: 'answers with 503 instead of 200 (1 wrong, 0 lost of 150)' })
  })

  it('fails when the server falls behind, before anyone has waited for longer than the goal', async () => {
    let freeAt = 0
    const { target } = await serving((_request, response) => {
      // One after another: twenty in a second.
      freeAt = Math.max(freeAt, performance.now()) + 50
      setTimeout(() => response.end('ok'), freeAt - performance.now())
    })
    const { step, misses } = await measureRate(parts({ target, connections: 80, goalMs: 2_500, repeatMs: 400 }), 40)
    expect(step).toMatchObject({
      valid: true,
      pass: false,
      why: expect.stringMatching(/only \d+ per second were answered meanwhile$/),
    })
    expect(misses).toHaveLength(1)
  })

  it('is not valid when there are too few connections for what the server can do', async () => {
    const { target } = await serving((_request, response) => void setTimeout(() => response.end('ok'), 50))
    // One connection has room for twenty at most.
    const { step, obstacle } = await measureRate(parts({ target, connections: 1, goalMs: 2_500, repeatMs: 400 }), 40)
    expect({ ...step, obstacle }).toMatchObject({ valid: false, pass: false, obstacle: 'connections' })
    expect(step.why).toMatch(/^all 1 connections were in use.*--connections/)
  })

  it('fails when the p99 of the median repeat is beyond the goal', async () => {
    const { target } = await serving((_request, response) => void setTimeout(() => response.end('ok'), 900))
    const { step } = await measureRate(parts({ target, goalMs: 800, repeatMs: 300, connections: 80 }), 50)
    expect(step).toMatchObject({ valid: true, pass: false, why: expect.stringMatching(/^the p99 was \d+\.\d ms instead of 800/) })
  })

  it('fails where nobody answers, and nothing is known of it where this system has no more ports', async () => {
    const { target, server } = await serving(() => {})
    server.close()
    expect(await measureRate(parts({ target }), 10)).toMatchObject({
      step: { valid: true, pass: false, why: expect.stringContaining('ECONNREFUSED') },
      obstacle: 'refused',
    })
    expect(
      refusedRate({ perS: 10, goalMs: 150, repeatMs: 1, connections: 1 }, 'no connection: connect EADDRNOTAVAIL').step,
    ).toMatchObject({
      ...{ valid: false, pass: false },
    })
  })
})
