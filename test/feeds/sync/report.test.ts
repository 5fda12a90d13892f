import { describe, expect, test } from 'vitest'
import { emptyTenantReport, sumReports, type TenantReport } from '../../../src/feeds/report.js'

interface Ended {
  slug: string
  state: string
  report: TenantReport | null
}

async function* each(tenants: readonly Ended[]): AsyncGenerator<Ended> {
  yield* tenants
}

const WHOLE = { durationMs: 0, unreached: 'failed' } as const

const failure = (number: number) => ({ url: `https://example.org/${number}`, code: 'FEED_TIMEOUT' as const, message: 'late' })

function reportWith(changes: Partial<TenantReport>): TenantReport {
  return { ...emptyTenantReport(), ...changes }
}

describe('the report of a run', () => {
  test('of no tenants is all zeros', async () => {
    expect(await sumReports('r', each([]), { durationMs: 7, unreached: 'failed' })).toEqual({
      runId: 'r',
      tenants: { total: 0, ok: 0, failed: 0, skipped: 0 },
      feeds: { total: 0, newVersion: 0, unchanged: 0, failed: 0, notDue: 0 },
      sources: { distinct: 0, requests: 0, notModified: 0, bytes: 0 },
      posts: { new: 0, updated: 0 },
      churn: { held: 0 },
      outage: { feeds: 0 },
      failures: [],
      durationMs: 7,
    })
  })

  test('adds up what its tenants did, and counts a source they share once', async () => {
    const tenants = [
      {
        slug: 'acme',
        state: 'ok',
        report: reportWith({
          feeds: { total: 3, newVersion: 1, unchanged: 0, failed: 1, notDue: 1 },
          sources: { ids: [1, 2, 3], requests: 2, notModified: 0, bytes: 100 },
          posts: { new: 30, updated: 2 },
          failures: [failure(1)],
        }),
      },
      {
        slug: 'globex',
        state: 'ok',
        report: reportWith({
          feeds: { total: 2, newVersion: 1, unchanged: 1, failed: 0, notDue: 0 },
          sources: { ids: [2, 4], requests: 1, notModified: 1, bytes: 11 },
          posts: { new: 5, updated: 0 },
        }),
      },
    ]
    const report = await sumReports('r', each(tenants), WHOLE)
    expect(report).toMatchObject({
      tenants: { total: 2, ok: 2, failed: 0, skipped: 0 },
      feeds: { total: 5, newVersion: 2, unchanged: 1, failed: 1, notDue: 1 },
      sources: { distinct: 4, requests: 3, notModified: 1, bytes: 111 },
      posts: { new: 35, updated: 2 },
    })
    expect(report.failures).toEqual([{ tenant: 'acme', ...failure(1) }])
  })

  test('names a tenant that failed as a whole without a URL', async () => {
    const failed = reportWith({ failure: { code: 'UNAVAILABLE', message: 'away' } })
    const report = await sumReports('r', each([{ slug: 'acme', state: 'failed', report: failed }]), WHOLE)
    expect(report.tenants).toEqual({ total: 1, ok: 0, failed: 1, skipped: 0 })
    expect(report.failures).toEqual([{ tenant: 'acme', url: null, code: 'UNAVAILABLE', message: 'away' }])
  })

  test.each([
    ['failed', 'queued', 'failed'],
    ['failed', 'running', 'failed'],
    ['failed', 'skipped', 'skipped'],
    ['skipped', 'queued', 'skipped'],
    ['skipped', 'running', 'skipped'],
    ['skipped', 'failed', 'failed'],
  ] as const)('that counts the unreached as %s counts a tenant that is %s as %s', async (unreached, state, outcome) => {
    const report = await sumReports('r', each([{ slug: 'acme', state, report: null }]), { durationMs: 0, unreached })
    expect(report.tenants).toEqual({ total: 1, ok: 0, failed: 0, skipped: 0, [outcome]: 1 })
    expect(report.failures).toHaveLength(outcome === 'failed' ? 1 : 0)
  })

  test('lists the first thousand failures and counts them all', async () => {
    const failures = Array.from({ length: 700 }, (_, index) => failure(index))
    const tenant = { state: 'ok', report: reportWith({ feeds: { ...emptyTenantReport().feeds, failed: 700 }, failures }) }
    const report = await sumReports(
      'r',
      each([
        { slug: 'acme', ...tenant },
        { slug: 'globex', ...tenant },
      ]),
      WHOLE,
    )
    expect(report.feeds.failed).toBe(1400)
    expect(report.failures).toHaveLength(1000)
  })

  test('leaves the empty report as it was', async () => {
    const tenants = [{ slug: 'acme', state: 'ok', report: reportWith({ posts: { new: 3, updated: 1 } }) }]
    await sumReports('r', each(tenants), WHOLE)
    expect(emptyTenantReport().posts).toEqual({ new: 0, updated: 0 })
  })
})
