import { openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import { type Counted, lossesIn, lostEvents, settled } from '../../src/bench/analytics/counted.js'
import { BatchBody } from '../../src/bench/analytics/event-batches.js'
import { EventChoices } from '../../src/bench/analytics/event-choices.js'
import { writeEventLines } from '../../src/bench/analytics/event-lines.js'
import type { EventsRound } from '../../src/bench/analytics/http-round.js'
import { writeRawRows } from '../../src/bench/analytics/raw-rows.js'
import { rowsOf } from '../../src/bench/analytics/rows.js'
import { type SendOrder, sendEvents } from '../../src/bench/analytics/send-events.js'
import { sharedMariadbEnv, sharedRedisEnv } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'
import { faultsIn, figuresIn, leftOf, rowsIn, runBench } from './bench-runs.js'

interface SentBatch {
  readonly batch_id: string
  readonly events: readonly { kind: string; post_id: number; visitor: string; at: number }[]
}

describe('the batches that are sent', () => {
  it('are a thousand different events each, as they happen now', () => {
    const body = new BatchBody(new EventChoices(1, 90, 1_000_000))
    const batches = ['1-0', '1-1'].map(id => {
      body.renew(id, 1_800_000_000_000)
      return JSON.parse(body.bytes.toString()) as SentBatch
    })
    expect(new Set(batches.map(({ batch_id }) => batch_id)).size).toBe(2)
    for (const { batch_id, events } of batches) {
      expect(batch_id).toMatch(/^[A-Za-z0-9._:-]{1,64}$/)
      expect(events).toHaveLength(1_000)
      expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(['view', 'click', 'share']))
      expect(events.every(({ post_id: post }) => post >= 1 && post <= 90)).toBe(true)
      expect(events.every(({ at }) => at > 1_800_000_000_000 - 5_000 && at <= 1_800_000_000_000)).toBe(true)
      expect(new Set(events.map(({ visitor }) => visitor)).size).toBeGreaterThan(900)
    }
    const [first, second] = batches
    expect(first?.events[0]).not.toEqual(second?.events[0])
  })

  it('are about few posts most of the time', () => {
    const choices = new EventChoices(1, 1_000, 1)
    const posts = Array.from({ length: 10_000 }, () => choices.post())
    expect(posts.filter(post => post <= 10).length).toBeGreaterThan(2_000)
    expect(Math.max(...posts)).toBeGreaterThan(500)
  })

  it('are lines of the tenants in turn, written for as long as it is asked', async () => {
    const path = join(temporaryFolder(), 'events')
    const order = {
      descriptor: openSync(path, 'w'),
      tenants: ['t1', 't2', 't3'],
      eventsPerS: 10_000,
      durationMs: 300,
      posts: 9,
      visitors: 5,
    }
    const begun = performance.now()
    const { events, perTenant } = await writeEventLines(order)
    expect(performance.now() - begun).toBeGreaterThanOrEqual(290)
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    const read = lines.map(line => JSON.parse(line) as { tenant: string; post_id: number; at: number })
    expect([events, perTenant]).toEqual([lines.length, lines.length / 3])
    for (const tenant of order.tenants) expect(read.filter(line => line.tenant === tenant)).toHaveLength(perTenant)
    expect(read.every(({ post_id: post, at }) => post >= 1 && post <= 9 && at > Date.now() - 60_000)).toBe(true)
  })
})

describe('the rows that LOAD DATA reads', () => {
  it('are in the order of their key', async () => {
    const path = join(temporaryFolder(), 'rows')
    await writeRawRows(path, [1, 2, 3], { events: 2_501, posts: 9, visitors: 5 }, new AbortController().signal)
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    const keys = lines.map(line => line.split('\t').slice(0, 3).map(Number) as [number, number, number])
    expect(keys).toEqual([...keys].sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]))
    expect([1, 2, 3].map(tenant => keys.filter(([one]) => one === tenant).length)).toEqual([834, 834, 833])
  })
})

describe('what was counted', () => {
  const WANTED = new Map([[1, 1_000]])
  const at = (minutes: number, days = minutes) => new Map([[1, { minutes, days }]])
  const settle = (
    counted: (look: number) => ReadonlyMap<number, Counted>,
    waiting: (look: number) => number,
    stuckMs = 20_000,
  ) => {
    const [looks, asked] = [{ counted: 0, waiting: 0 }, new AbortController().signal]
    const parts = {
      counted: async () => counted(looks.counted++),
      waiting: async () => waiting(looks.waiting++),
    }
    return settled(parts, WANTED, { gatheredMs: 20, stuckMs }, asked)
  }

  it('is judged when nothing waits any more, so that what is counted twice afterwards is seen', async () => {
    const commitment = await settle(
      look => at([400, 1_000][look] ?? 2_000),
      look => (look < 2 ? 1 : 0),
    )
    expect(lossesIn(WANTED, commitment)).toEqual([expect.stringContaining('1000 acknowledged, 2000 per minute, 2000 per day')])
    expect(lostEvents(WANTED, commitment.counted)).toBe(1_000)
  })

  it('waits for both sums', async () => {
    let looks = 0
    const commitment = await settle(
      look => {
        looks = look + 1
        return at(look < 3 ? 0 : 1_000, 1_000)
      },
      () => 0,
    )
    expect([lossesIn(WANTED, commitment), looks]).toEqual([[], 5])
  })

  it('says when batches are left that nobody counts', async () => {
    const commitment = await settle(
      () => at(1_000),
      () => 2,
      50,
    )
    expect(lossesIn(WANTED, commitment)).toEqual(['batches that nobody counts: 2'])
  })
})

describe('the generator', () => {
  async function send(answer: (turn: number) => 'accept' | 'put off' | 'drop' | 'refuse', changes: Partial<SendOrder> = {}) {
    const kept = new Map<string, number>()
    let turn = 0
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { batch_id: id, events } = JSON.parse(Buffer.concat(chunks).toString()) as SentBatch
        const choice = answer(++turn)
        if (choice === 'accept' || choice === 'drop') kept.set(id, events.length)
        if (choice === 'drop') return void request.socket.destroy()
        if (choice === 'put off') return void response.writeHead(503, { 'retry-after': '0', 'content-length': 0 }).end()
        const text = JSON.stringify({ accepted: events.length })
        response.writeHead(choice === 'refuse' ? 400 : 202, { 'content-length': text.length }).end(text)
      })
    })
    // One that is held up takes nobody's connection for idle.
    server.keepAliveTimeout = 0
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const order = {
      tenants: [{ id: 7, token: 'a' }],
      connections: 3,
      eventsPerS: 50_000,
      durationMs: 400,
      posts: 9,
      visitors: 9,
      seed: 1,
    }
    const target = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
    return { sent: await sendEvents({ target, ...order, ...changes }), kept }
  }

  it('sends what was put off, or lost on the way, until it is acknowledged, as the same batch', async () => {
    // A generator that is held up sends one batch in its time: that is put off, and lost after that.
    const { sent, kept } = await send(turn => (turn % 5 === 1 ? 'put off' : turn === 2 ? 'drop' : 'accept'))
    expect(sent.batches).toBeGreaterThan(0)
    expect(kept.size).toBe(sent.batches)
    expect(sent).toMatchObject({ events: kept.size * 1_000, acknowledged: { 7: kept.size * 1_000 }, repeated: 1, given: 0 })
    expect(sent.putOff).toBeGreaterThan(0)
    expect(sent.complaints).toEqual([expect.stringContaining('connections lost')])
  })

  it('gives up what is refused, and says how it was', async () => {
    const { sent } = await send(turn => (turn === 1 ? 'refuse' : 'accept'))
    expect(sent).toMatchObject({ given: 1, complaints: [expect.stringContaining('a batch is answered with 400')] })
  })
})

describe('the rows of an analytics benchmark', () => {
  const LOAD = { tenants: 20, eventsPerS: null, duration: 60, from: 'http', workers: 1, processes: 1, repeat: 1 } as const
  const round = (changes: Partial<EventsRound> = {}): EventsRound => ({
    ...{ events: 6_000_000, acceptedPerS: 120_000, committedPerS: 110_000, wallMs: 62_000, lost: 0, http: null },
    strain: { cpuShare: 0.1, loopShare: 0.2, loopDelayP99Ms: 1 },
    ...{ backlog: { batches: 1, bytes: 2 }, accounts: [{ name: 'api', cpuS: 3, peakRssBytes: 4 }], faults: [] },
    ...changes,
  })
  const rowNamed = (metric: string, one: EventsRound) =>
    rowsOf(LOAD, [{ http: one, ndjson: null, loadDataPerS: 440_000 }]).find(row => row.metric === metric)

  it('promise a rate that lasted a minute, and nothing for less', () => {
    expect(rowNamed('http_committed_per_s', round())).toMatchObject({ target: 100_000, pass: true })
    expect(rowNamed('http_committed_per_s', round({ committedPerS: 99_000 }))).toMatchObject({ pass: false, valid: true })
    expect(rowNamed('http_committed_per_s', round({ wallMs: 59_900 }))).toMatchObject({ target: null, pass: null })
  })

  it('do not pass when an event is lost, or counted twice', () => {
    const [wanted, counted] = [
      new Map([[1, 1_000]]),
      (days: number) => ({ counted: new Map([[1, { minutes: 1_000, days }]]), waiting: 0 }),
    ]
    expect([lostEvents(wanted, counted(1_000).counted), lossesIn(wanted, counted(1_000))]).toEqual([0, []])
    for (const days of [999, 1_001]) {
      const [lost, faults] = [lostEvents(wanted, counted(days).counted), lossesIn(wanted, counted(days))]
      expect(rowNamed('http_lost_events', round({ lost, faults }))).toMatchObject({ measured: 1, pass: false, valid: false })
      expect(rowNamed('http_committed_per_s', round({ lost, faults }))).toMatchObject({ pass: false, valid: false })
    }
    expect(lossesIn(wanted, { counted: new Map(), waiting: 0 })).toEqual([
      expect.stringContaining('1000 acknowledged, 0 per minute, 0 per day'),
    ])
  })

  it('say what each kind of process took, and how it is beside LOAD DATA', () => {
    expect(rowNamed('http_load_data_ratio', round())).toMatchObject({ measured: 0.25 })
    expect(rowNamed('http_cpu_api_s', round())).toMatchObject({ measured: 3 })
    expect(rowNamed('http_peak_rss_api_bytes', round())).toMatchObject({ measured: 4 })
    const rounds = [4, 9, 5].map(peakRssBytes => round({ accounts: [{ name: 'api', cpuS: 3, peakRssBytes }] }))
    const rows = rowsOf(
      LOAD,
      rounds.map(http => ({ http, ndjson: null, loadDataPerS: null })),
    )
    expect(rows.find(row => row.metric === 'http_peak_rss_api_bytes')).toMatchObject({ measured: 9, samples: 3 })
    expect(rowNamed('load_data_per_s', round())).toMatchObject({ measured: 440_000 })
  })
})

const ON_SERVERS = () => ({ ...sharedMariadbEnv(), ...sharedRedisEnv(), CACHE_DRIVER: 'redis', QUEUE_CONNECTION: 'redis' })

describe.each([
  ['in one process', () => ({})],
  ['on servers', ON_SERVERS],
] as const)('feedctl bench analytics %s', (_name, settings) => {
  test('counts every event that was acknowledged, and leaves nothing behind', async () => {
    const flags = [
      '--tenants',
      '3',
      '--repeat',
      '1',
      '--duration',
      '1',
      '--events-per-s',
      '20000',
      '--from',
      'both',
      '--json',
      '--assert',
    ]
    const run = await runBench(['analytics', ...flags], { ...settings(), FEEDCTL_ANALYTICS_DELAY_S: '1' })
    expect({ exit: run.exit, left: leftOf(run) }, run.err).toEqual({ exit: 0, left: [] })
    const rows = rowsIn(run.out)
    expect(faultsIn(rows)).toEqual([])
    const figures = figuresIn(rows)
    expect(figures).toMatchObject({ http_lost_events: 0, ndjson_lost_events: 0 })
    for (const metric of ['http_events', 'http_committed_per_s', 'ndjson_events', 'ndjson_committed_per_s', 'http_cpu_api_s'])
      expect(figures[metric], metric).toBeGreaterThan(0)
  })
})
