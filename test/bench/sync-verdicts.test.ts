import { describe, expect, test } from 'vitest'
import { type Evidence, faultsOfCold, faultsOfWarm } from '../../src/bench/sync/correctness.js'
import type { SyncLoad } from '../../src/bench/sync/load.js'
import { readReport } from '../../src/bench/sync/report.js'
import type { SyncPhase, SyncRound } from '../../src/bench/sync/round.js'
import { median, type Row, rowsOf } from '../../src/bench/sync/rows.js'

const LOAD: SyncLoad = {
  tenants: 2,
  feedsPerTenant: 2,
  distinct: 3,
  items: 5,
  itemBytes: 100,
  latencyMs: 0,
  workers: 0,
  repeat: 1,
  placement: 'dedicated',
}

const PHASE: SyncPhase = {
  syncMs: 2_000,
  wallMs: 2_500,
  requests: 3,
  notModified: 0,
  bytes: 900,
  posts: { new: 20, updated: 0 },
  cpuS: { sync: 1, workers: null, feedServer: 0.5 },
  peakRssBytes: { sync: 100, workers: null, feedServer: 500 },
  faults: [],
}

function roundOf(cold: Partial<SyncPhase>, warm: readonly Partial<SyncPhase>[] = [{}]): SyncRound {
  return { provisionMs: 10, postsStored: 20, cold: { ...PHASE, ...cold }, warm: warm.map(one => ({ ...PHASE, ...one })) }
}

const NO_TARGETS = { coldS: null, warmS: null, peakRssBytes: null }

function rowNamed(metric: string, rows: readonly Row[]): Row | undefined {
  return rows.find(row => row.metric === metric)
}

test.each<[number[], number | null]>([
  [[], null],
  [[3], 3],
  [[4, 1], 2.5],
  [[10, 9, 100], 10],
  [[1, 100, 2, 3], 2.5],
])('the median of %j is %j', (values, expected) => {
  expect(median(values)).toBe(expected)
})

describe('the rows', () => {
  test('hold the median, the least and the most of all rounds', () => {
    const rows = rowsOf(LOAD, NO_TARGETS, [roundOf({ syncMs: 1_000 }), roundOf({ syncMs: 5_000 }), roundOf({ syncMs: 2_000 })])
    expect(rowNamed('sync_cold_s', rows)).toEqual({
      phase: 'mvp',
      metric: 'sync_cold_s',
      target: null,
      measured: 2,
      min: 1,
      max: 5,
      samples: 3,
      pass: null,
      valid: true,
      why: null,
    })
    expect(rowNamed('feeds_per_s_cold', rows)).toMatchObject({ measured: 2, min: 0.8, max: 4 })
    expect(rowNamed('posts_per_s_cold', rows)).toMatchObject({ measured: 10 })
  })

  test.each([
    [2, true],
    [1.999, false],
    [null, null],
  ])('of 2 s with a target of %j pass: %j', (target, pass) => {
    const rows = rowsOf(LOAD, { ...NO_TARGETS, coldS: target }, [roundOf({})])
    expect(rowNamed('sync_cold_s', rows)).toMatchObject({ target, pass, valid: true })
  })

  test('judge memory by the greatest peak of a process of feedctl, the feed server left out', () => {
    const peaks = { sync: 100, workers: 300, feedServer: 900 }
    const rows = rowsOf(LOAD, { ...NO_TARGETS, peakRssBytes: 299 }, [roundOf({}), roundOf({}, [{ peakRssBytes: peaks }])])
    expect(rowNamed('peak_rss_bytes', rows)).toMatchObject({ measured: 300, min: 100, max: 300, pass: false })
  })

  test('know no figure where the system tells none, and judge none', () => {
    const none = { sync: null, workers: null, feedServer: null }
    const rows = rowsOf(LOAD, { ...NO_TARGETS, peakRssBytes: 1 }, [
      roundOf({ cpuS: none, peakRssBytes: none }, [{ peakRssBytes: none }]),
    ])
    expect(rowNamed('cpu_cold_s', rows)).toMatchObject({ measured: null, min: null, max: null })
    expect(rowNamed('peak_rss_bytes', rows)).toMatchObject({ measured: null, pass: null, valid: true })
  })

  test('of a phase with a fault are not valid and do not pass, each fault named once; the others stand', () => {
    const targets = { coldS: 60, warmS: 60, peakRssBytes: 1e9 }
    const rows = rowsOf(LOAD, targets, [roundOf({ faults: ['a', 'b'] }), roundOf({ faults: ['a'] })])
    for (const metric of ['sync_cold_s', 'feeds_per_s_cold', 'peak_rss_bytes']) {
      expect(rowNamed(metric, rows)).toMatchObject({ valid: false, why: 'a; b' })
      expect(rowNamed(metric, rows)?.pass).not.toBe(true)
    }
    expect(rowNamed('sync_warm_s', rows)).toMatchObject({ valid: true, pass: true, why: null })
  })
})

describe('a sync is what it should be', () => {
  const asked = { '/feeds/0.xml': 1, '/feeds/1.xml': 1, '/feeds/2.xml': 1 }
  const cold: Evidence = {
    report: {
      tenants: { total: 2, ok: 2 },
      feeds: { total: 4, failed: 0 },
      sources: { distinct: 3, requests: 3 },
      posts: { new: 20, updated: 0 },
      failures: [],
      duration_ms: 5,
    },
    stats: { requests: 3, notModified: 0, bytes: 10, byPath: asked, maxConcurrent: 2 },
    postsStored: 20,
    workersLost: 0,
  }
  const warm: Evidence = {
    ...cold,
    report: { ...cold.report, posts: { new: 0, updated: 0 } },
    stats: { ...cold.stats, notModified: 3 },
  }

  test('when all the figures agree', () => {
    expect(faultsOfCold(LOAD, cold)).toEqual([])
    expect(faultsOfWarm(LOAD, warm)).toEqual([])
  })

  test.each<[string, Evidence]>([
    ['posts in the tables: 19 instead of 20', { ...cold, postsStored: 19 }],
    ['new posts: 21 instead of 20', { ...cold, report: { ...cold.report, posts: { new: 21, updated: 0 } } }],
    ['requests at the feed server: 4 instead of 3', { ...cold, stats: { ...cold.stats, requests: 4 } }],
    [
      'sources asked for: 2 instead of 3',
      { ...cold, stats: { ...cold.stats, byPath: { '/feeds/0.xml': 2, '/feeds/1.xml': 1 } } },
    ],
    ['requests in the report: 2 instead of 3', { ...cold, report: { ...cold.report, sources: { distinct: 3, requests: 2 } } }],
    ['tenants done: 1 instead of 2', { ...cold, report: { ...cold.report, tenants: { total: 2, ok: 1 } } }],
    ['feeds: 3 instead of 4', { ...cold, report: { ...cold.report, feeds: { total: 3, failed: 0 } } }],
    [
      'failed feeds (too large): 1 instead of 0',
      { ...cold, report: { ...cold.report, feeds: { total: 4, failed: 1 }, failures: [{ message: 'too large' }] } },
    ],
    ['workers lost: 1 instead of 0', { ...cold, workersLost: 1 }],
  ])('but not a cold one with %s', (fault, evidence) => {
    expect(faultsOfCold(LOAD, evidence)).toEqual([fault])
  })

  test.each<[string, Evidence]>([
    ['answers 304: 2 instead of 3', { ...warm, stats: { ...warm.stats, notModified: 2 } }],
    ['new or updated posts: 1 instead of 0', { ...warm, report: { ...warm.report, posts: { new: 0, updated: 1 } } }],
    ['posts in the tables: 21 instead of 20', { ...warm, postsStored: 21 }],
  ])('and not a warm one with %s', (fault, evidence) => {
    expect(faultsOfWarm(LOAD, evidence)).toEqual([fault])
  })

  test('and what is no report is none', () => {
    expect(readReport(JSON.stringify(cold.report))).toEqual(cold.report)
    for (const text of ['', 'synced 2 tenants', '{}', '{"tenants":{"total":1}}']) expect(readReport(text)).toBeNull()
  })
})
