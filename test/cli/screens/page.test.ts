import { describe, expect, test } from 'vitest'
import { START, VIEWS } from '../../../src/cli/screens/keys.js'
import type { Reading } from '../../../src/cli/screens/look.js'
import { pageLines, type Sight } from '../../../src/cli/screens/page.js'
import { withReading } from '../../../src/cli/screens/rates.js'
import { snapshotText } from '../../../src/cli/screens/snapshot.js'
import { createStyle, PLAIN } from '../../../src/cli/style.js'
import { widthOf } from '../../../src/cli/width.js'
import type { FailedJob } from '../../../src/queues/index.js'
import { AT, emptyOverview, overviewOf, supervisorCard, tenantStanding, workerCard } from './overviews.js'

const style = createStyle({ colors: false, columns: 80 })
const FAILED: FailedJob = {
  ...{
    queue: 'sync',
    id: '12',
    name: 'SyncTenantFeeds',
    payload: { tenantId: 7 },
    tenantId: 7,
    reason: 'UNAVAILABLE: disk\nis full',
  },
  ...{ fingerprint: '0a1b2c3d', attempts: 5, failedAt: AT - 60_000, quarantined: true, history: [] },
}
const READING: Reading = { overview: overviewOf(), slugs: new Map([[7, 'globex']]), failed: [FAILED] }

function sight(change: Partial<Sight> = {}): Sight {
  return { reading: READING, rates: new Map(), failure: null, notice: null, place: START, hasDesk: true, ...change }
}

function page(change: Partial<Sight> = {}, columns = 80, rows = 24, unicode = true): string[] {
  return pageLines(sight(change), { columns, rows, style, unicode })
}

/** Much of everything, with long and wide names. */
function crowded(): Reading {
  const many = Array.from({ length: 20 }, (_, index) => index + 1)
  const wide = { host: '日本語のとても長いホスト名です', rssBytes: 999_999_999_999 }
  const overview = overviewOf({
    workers: many.map(pid => workerCard(1_000_000 + pid, wide)),
    supervisors: many.map(pid =>
      supervisorCard({ id: `s${pid}`, pid, scalings: many.map(at => ({ at, from: 1, to: 2, why: 'w'.repeat(300) })) }),
    ),
    alerts: many.map(id => ({ name: `alert-${id}`, message: 'm'.repeat(200), since: AT })),
    tenants: {
      ...overviewOf().tenants,
      slowest: many.slice(0, 10).map(id => tenantStanding(id, `slow-${'x'.repeat(30)}${id}`, { paused: true })),
      mostFailing: many.slice(0, 10).map(id => tenantStanding(id, `bad-${'x'.repeat(30)}${id}`, { syncFailures: 100_000 })),
    },
  })
  return { overview, slugs: new Map(), failed: many.map(id => ({ ...FAILED, id: String(id), reason: 'r'.repeat(500) })) }
}

describe('a page', () => {
  test.each([
    'as usual',
    'empty on redis',
    'embedded',
    'crowded',
    'before the first reading',
  ])('fits every terminal, %s', what => {
    const overviews = { 'empty on redis': emptyOverview('redis'), embedded: emptyOverview('sync') }
    const reading =
      what === 'crowded'
        ? crowded()
        : what === 'before the first reading'
          ? null
          : { ...READING, overview: overviews[what as 'embedded'] ?? READING.overview }
    for (const [columns, rows] of [
      [60, 10],
      [79, 24],
      [80, 24],
      [100, 30],
      [132, 43],
      [200, 60],
      [59, 24],
      [80, 9],
      [12, 3],
    ] as const) {
      for (const view of VIEWS) {
        for (const change of [
          {},
          { failure: 'f'.repeat(300) },
          { notice: 'n'.repeat(300) },
          { place: { ...START, help: true } },
        ]) {
          const lines = page({ reading, place: { ...START, view }, ...change }, columns, rows)
          expect(lines.length).toBeLessThanOrEqual(rows)
          expect(lines.filter(line => widthOf(line) >= columns)).toEqual([])
        }
      }
    }
  })

  test('of the overview has everything important in 24 lines of 80 cells', () => {
    const text = page().join('\n')
    for (const words of [
      'for 40.0 s: the oldest job',
      '512 of 1,000, 10 running, 3 failed, for 2 min 05 s',
      '20,000, 12 due, 3 failing',
    ])
      expect(text).toContain(words)
    expect(text).toMatch(/> sync +1,200 +10 +3 +12\.5 .*1 min 05 s +3\n/)
    expect(text).toMatch(/ media .*paused/)
    expect(text).toMatch(/4211 +working +123\.4 MB +1 h 02 min +1\/5 +3\.2 s globex SyncTenantFeeds/)
    expect(text).toMatch(/4212 +draining/)
    expect(text).toMatch(/4213 +silent/)
    expect(text).toMatch(/3 workers of 1 to 8; 12:02:04 2 → 3, sync: 1,200 wait/)
    expect(text).toMatch(/slow-9 +10\.8 s +1 min 05 s ago +globex +5 +3/)
    expect(text).toMatch(/Tab view .* p pause .* r retry .* q quit/)
  })

  test('of the queues has the failed jobs of the selected one', () => {
    const text = page({ place: { ...START, view: 'queues' } }, 100).join('\n')
    expect(text).toMatch(/1 min 00 s ago +globex +5 +0a1b2c3d +quarantined +UNAVAILABLE: disk is full/)
    const other = page({ place: { ...START, view: 'queues', selected: { queues: 'media' } } }).join('\n')
    expect(other).toContain('none of the newest failed jobs is of the queue media')
    const unread = page({ reading: { ...READING, failed: null }, place: { ...START, view: 'queues' } }).join('\n')
    expect(unread).toContain('  reading ...')
    expect(unread).not.toContain('none of')
  })

  test('names every queue in full, however narrow it is', () => {
    for (const view of ['overview', 'queues'] as const) {
      for (let columns = 60; columns < 140; columns++) {
        expect(page({ place: { ...START, view } }, columns).join('\n')).toMatch(/maintenance(?!\S)/)
      }
    }
  })

  test('of the workers has the jobs of the selected one', () => {
    const jobs = [1, 2].map(id => ({
      queue: 'media' as const,
      id: `${id}`,
      name: `Job${id}`,
      tenantId: id === 1 ? null : 99,
      startedAt: AT - id * 1000,
    }))
    const overview = overviewOf({ workers: [workerCard(1), workerCard(2, { jobs })] })
    const text = page({
      reading: { ...READING, overview },
      place: { ...START, view: 'workers', selected: { workers: 'web1:2:aa' } },
    }).join('\n')
    expect(text).toMatch(/JOBS OF 2 .*\n +Job2 +media +tenant 99 +2\.0 s\n +Job1 +media +- +1\.0 s/)
  })

  test('of the run says how long it will take, and why there are so many workers', () => {
    const text = page({ place: { ...START, view: 'run' } }).join('\n')
    expect(text).toContain('478 tenants waiting, 4.1 tenants/s, about 1 min 59 s left')
    expect(text).toMatch(/12:02:04 +4000 +2 → 3 +sync: 1,200 wait, 95 s to clear, target 30 s/)
  })

  test('of an ended run says how it went', () => {
    const run = { ...overviewOf().run, finishedAt: AT - 65_000, running: 0, ended: 1_000 } as Reading['overview']['run']
    expect(page({ reading: { ...READING, overview: overviewOf({ run }) } }).join('\n')).toContain(
      'last run    1,000 tenants, 3 failed, in 1 min 00 s, ended 1 min 05 s ago',
    )
  })

  test('keeps the last picture under a line that says what went wrong', () => {
    const lines = page({ failure: 'cannot connect to 127.0.0.1:6379: connection refused' })
    expect(lines[2]).toBe(' ! cannot connect to 127.0.0.1:6379: connection refused; as of 12:03:04')
    expect(lines.join('\n')).toContain('> sync')
    expect(page({ failure: 'away', reading: null })[2]).toBe(' ! away; trying again')
  })

  test('asks in its last line, and tells there what came of it', () => {
    expect(page({ place: { ...START, asking: { queue: 'sync' } } }).at(-1)).toBe(' retry the failed jobs of the queue sync? y/n')
    expect(page({ place: { ...START, asking: { tenantId: 7, slug: 'globex' } } }).at(-1)).toContain('of the tenant globex? y/n')
    expect(page({ notice: 'retried 3 failed jobs' }).at(-1)).toBe(' retried 3 failed jobs')
  })

  test('offers only the keys that do something', () => {
    expect(page({ place: { ...START, selected: { overview: 'media' } } }).at(-1)).toContain('p resume')
    expect(page({ hasDesk: false }).at(-1)).not.toMatch(/pause|retry/)
    expect(page({ place: { ...START, view: 'workers' } }).at(-1)).not.toMatch(/pause|retry/)
    expect(page({ place: { ...START, view: 'tenants' } }).at(-1)).toMatch(/^(?!.*pause).*retry/)
  })

  test('shows nothing but ASCII where the locale is not UTF-8', () => {
    const rates = withReading(withReading(new Map(), READING.overview), READING.overview)
    for (const view of VIEWS) expect(page({ rates, place: { ...START, view } }, 80, 24, false).join('')).toMatch(/^[ -~]*$/)
  })

  test('says that the terminal is too small', () => {
    expect(page({}, 59, 24)).toEqual(['too small: 59x24, and 60x10 is needed'])
    expect(page({}, 80, 9)).toEqual(['too small: 80x9, and 60x10 is needed'])
    expect(page({}, 60, 10).length).toBe(10)
  })

  test('is painted only where it may be', () => {
    const lines = (colors: boolean) =>
      pageLines(sight(), { columns: 80, rows: 24, style: createStyle({ colors, columns: 80 }), unicode: true })
    expect(lines(false).join('')).not.toContain('\u001b')
    expect(lines(true).join('')).toContain('\u001b[31mfor 40.0 s')
  })
})

test('rates are remembered, the newest last, and not without end', () => {
  let rates = new Map() as ReturnType<typeof withReading>
  for (let perS = 1; perS <= 500; perS++) {
    rates = withReading(rates, { queues: READING.overview.queues.map(queue => ({ ...queue, processedPerS: perS })) })
  }
  expect(rates.get('sync')).toEqual(Array.from({ length: 200 }, (_, index) => 301 + index))
})

test('a snapshot has what all the views have, uncut', () => {
  const text = snapshotText(READING, PLAIN)
  for (const words of [
    '(queue-wait:sync)',
    '(mostly FEED_TIMEOUT)',
    '4213  web1  silent',
    'initech-of-the-far-north-and-the-east',
    '95 s to clear, target 30 s',
  ]) {
    expect(text).toContain(words)
  }
  expect(text).not.toMatch(/…|TREND| $|\n\n\n/m)
})
