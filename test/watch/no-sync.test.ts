import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { App } from '../../src/app.js'
import { emptyTenantReport, type TenantReport } from '../../src/feeds/report.js'
import { startRun } from '../../src/feeds/runs.js'
import { endPart, takePart } from '../../src/feeds/tenant-part.js'
import { parseTenantId, type TenantId } from '../../src/tenants/ids.js'
import { type AlertSettings, conditionsIn } from '../../src/watch/conditions.js'
import { openWatch, type Watch } from '../../src/watch/gather.js'
import { temporaryFolder } from '../support/folders.js'
import { describeDatabases } from '../tenants/installation.js'
import { AT } from './made-up.js'
import { addSources, addTenants, clear, openParts } from './rows.js'

const SETTINGS: AlertSettings = { alertWaitS: 0, alertFailuresPercent: 0, alertNoSyncS: 3_600, drainMs: 0 }
const ROUND_MS = 360_000

type Ending = [state: 'ok' | 'failed', report: Partial<TenantReport>]
const FAILED: Ending = ['failed', { failure: { code: 'UNAVAILABLE', message: 'connect ECONNREFUSED' } }]
const feeds = { total: 3, newVersion: 0, unchanged: 0, failed: 0, notDue: 3 }
const OUTAGE: Ending = ['ok', { feeds, outage: { feeds: 3 }, dueAt: 1 }]
const SYNCED: Ending = ['ok', { feeds: { ...feeds, newVersion: 2, notDue: 1 }, outage: { feeds: 1 }, dueAt: 1 }]

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: AT })
})
afterEach(() => {
  vi.useRealTimers()
})

const TENANTS = [1, 2, 3].map(id => parseTenantId(id))

async function end(app: App, tenant: TenantId, [state, facts]: Ending): Promise<void> {
  await startRun(app.catalog, [tenant], { scheduled: true })
  const part = await takePart(app.catalog, tenant, `token-${Date.now()}`)
  if (part === null) throw new Error('no part')
  await endPart(app.catalog, part, { state, report: { ...emptyTenantReport(), ...facts }, untold: false })
}

describeDatabases('that no tenant is synced with success', env => {
  async function installation() {
    const app = await openParts({ FEEDCTL_DATA: temporaryFolder(), ...env })
    await clear(app)
    await addTenants(
      app,
      TENANTS.map(id => ({ id, created_at: AT - 86_400_000, updated_at: AT - 86_400_000 })),
    )
    await addSources(app, [{}])
    return { app, watch: await openWatch(app) }
  }

  /** The seconds that the alert tells of after each round of syncs, six minutes apart; null for none. */
  async function rounds(
    { app, watch }: { app: App; watch: Watch },
    count: number,
    endings: readonly Ending[],
    watchedSince = AT,
  ): Promise<(number | null)[]> {
    const told: (number | null)[] = []
    for (let round = 0; round < count; round++) {
      vi.setSystemTime(Date.now() + ROUND_MS)
      for (const [index, ending] of endings.entries()) await end(app, TENANTS[index] as TenantId, ending)
      const [condition] = conditionsIn(await watch.overview(), SETTINGS, watchedSince)
      told.push(condition?.value ?? null)
    }
    return told
  }

  test.each([
    ['their database refuses', FAILED],
    ['no publisher can be reached from here', OUTAGE],
  ])('is told when every sync fails, as %s, each time anew', async (_, ending) => {
    const here = await installation()
    expect(await rounds(here, 1, [SYNCED, SYNCED, SYNCED])).toEqual([null])
    expect(await rounds(here, 11, [ending, ending, ending])).toEqual([...Array(10).fill(null), 3_960])
    expect(await rounds(here, 1, [SYNCED, ending, ending])).toEqual([null])
  })

  test('is told soon after another began to watch, and not of a success shortly before', async () => {
    const here = await installation()
    await rounds(here, 1, [SYNCED, SYNCED, SYNCED])
    const other = { ...here, watch: await openWatch(here.app) }
    expect(await rounds(other, 2, [FAILED, FAILED, FAILED], AT + ROUND_MS)).toEqual([null, null])
    const told = await rounds(other, 16, [FAILED, FAILED, FAILED], AT + 18 * ROUND_MS)
    expect(told.at(-1)).toBeGreaterThan(3_600)
  })

  test('is not told where one of several fails while the others are not due', async () => {
    const here = await installation()
    const later: Ending = ['ok', { feeds: { ...feeds, newVersion: 3, notDue: 0 }, dueAt: AT + 20 * ROUND_MS }]
    await rounds(here, 1, [later, later, later])
    expect(await rounds(here, 15, [FAILED])).toEqual(Array(15).fill(null))
  })
})
