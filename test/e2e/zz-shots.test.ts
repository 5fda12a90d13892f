import { chromium } from 'playwright-core'
import { test } from 'vitest'
import { ApiGround } from '../api/ground.js'
import { PASSWORD, withDashboard } from '../api/ops-ground.js'
import { addRun, addSources, addTenants } from '../watch/rows.js'
import { insertRows } from '../../src/tenants/databases/index.js'

const OUT = '/tmp/ops-shots'
test('shots', async () => {
  const ground = await ApiGround.create(await withDashboard())
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  const open = async (scheme: 'light' | 'dark', width = 1400, height = 1000) => {
    const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height } })
    const page = await context.newPage()
    page.on('console', m => console.log('console', m.type(), m.text()))
    page.on('pageerror', e => console.log('pageerror', e))
    await page.goto(`${ground.api.url}/ops`)
    return page
  }
  const inn = async (page: Awaited<ReturnType<typeof open>>) => {
    await page.fill('#password', PASSWORD)
    await page.click('text=Log in')
    await page.waitForSelector('main[aria-busy=false]')
    await page.waitForTimeout(2500)
    return page
  }
  const p0 = await open('light')
  await p0.screenshot({ path: `${OUT}/login.png` })
  await inn(p0)
  await p0.screenshot({ path: `${OUT}/empty.png`, fullPage: true })
  const now = Date.now()
  await addTenants(ground.app, Array.from({ length: 340 }, (_, i) => ({ id: i + 10, name: i === 3 ? '<img src=x onerror=alert(1)> and a very long name that goes on and on and on' : `Customer ${i} Ltd`,
    state: i % 40 === 0 ? 'suspended' as const : i % 111 === 0 ? 'deleting' as const : 'active' as const, synced_at: now - 60_000 * (i+1), sync_ms: 100 + i * 13, sync_failures: i % 50 === 3 ? 3 : 0, sync_feeds_failed: i % 30 === 5 ? 2 : 0, next_sync_at: now + 1e6 })))
  await addSources(ground.app, Array.from({ length: 60 }, (_, i) => ({ url: `https://user:secret@publisher-${i}.example/some/very/long/path/to/a/feed/that/never/ends/${i}.xml?key=abc`, failure_code: i < 25 ? (i % 2 ? 'FEED_TIMEOUT' : 'FEED_HTTP_STATUS') : null, failure_message: i < 25 ? 'answered with 503 <b>Service Unavailable</b> after 10 s' : null, failure_count: i < 25 ? 25 - i : 0, checked_at: now - 100_000 * i, changed_at: i % 3 ? now - 9e7 : null, next_check_at: now + 60_000 * i })))
  await addRun(ground.app, 'run-1234567890123456789', now - 75_000, Array.from({ length: 340 }, (_, i) => i < 200 ? 'ok' as const : i < 207 ? 'failed' as const : i < 220 ? 'running' as const : 'queued' as const))
  await insertRows(ground.app.catalog.database, 'alerts', [{ name: 'sync.overdue', message: 'the newest sync that succeeded is 40 minutes old, which is more than 30', since: now - 2_400_000, sent_at: now, sent: 1 }] as never)
  const p1 = await inn(await open('light'))
  await p1.waitForTimeout(2000)
  await p1.screenshot({ path: `${OUT}/light.png`, fullPage: true })
  const p2 = await inn(await open('dark'))
  await p2.screenshot({ path: `${OUT}/dark.png`, fullPage: true })
  const p4 = await open('light')
  await p4.route('**/ops/events', route => route.abort())
  await p4.route('**/ops/overview.json', async route => {
    const real = await (await route.fetch()).json()
    const t = new Date().toISOString()
    const ago = (s: number) => new Date(Date.now() - s * 1000).toISOString()
    const q = (name: string, w: number) => ({ name, waiting: w + Math.floor(Math.random() * 500), active: 20, delayed: 3, failed: name === 'media' ? 12 : 0, paused: name === 'media', oldest_wait_ms: w * 3, processed_per_s: w / 50, workers: 4, recent: { finished: 1, failed: 0 }, mean_job_ms: 231 })
    await route.fulfill({ json: { ...real, at: t, driver: 'redis', phase: { name: 'enterprise', tenants: 50000, limit: null, used_percent: null, next: null }, queues: [q('sync', 48211), q('media', 2130), q('analytics', 11), q('maintenance', 0)],
      workers: { total: 120, shown: Array.from({ length: 12 }, (_, i) => ({ host: 'worker-' + (i % 3) + '.internal.example', pid: 1000 + i, state: i === 4 ? 'draining' : i === 5 ? 'full' : 'working', started_at: ago(3600 * i + 5), seen_at: t, rss_bytes: 150e6 + i * 1e6, queues: [{ name: 'sync', slots: 10, active: 7, per_s: 12.2 }, { name: 'media', slots: 5, active: 1, per_s: 1 }], jobs: 8 })) },
      supervisors: [{ host: 'worker-0.internal.example', pid: 900, state: 'working', started_at: ago(86400), min: 2, max: 60, ceiling: 40, workers: 40, target_wait_ms: 30000, scalings: [{ at: ago(40), from: 38, to: 40, why: 'sync: 48,211 wait, 95 s to clear, target 30 s' }] }, { host: 'worker-1.internal.example', pid: 901, state: 'paused', started_at: ago(86400), min: 2, max: 60, ceiling: 60, workers: 40, target_wait_ms: 30000, scalings: [] }],
      tenants: { ...real.tenants, active: 49120, failing: 311, states: { active: 49120, provisioning: 12, suspended: 800, deleting: 68 }, placements: [{ kind: 'shared', host: 'db-2.internal.example', tenants: 30000 }, { kind: 'shared', host: 'default', tenants: 19000 }, { kind: 'dedicated', host: 'default', tenants: 1000 }] },
      api: { requests_per_s: 31234.4, errors_per_s: 0.2, hit_ratio: 0.9312, p95_ms: 12 }, analytics: { accepted_per_s: 104211, refused_per_s: 3, counted_per_s: null, backlog: { batches: 3221, bytes: 133e6, oldest_at: ago(9) } } } })
  })
  await inn(p4)
  await p4.waitForTimeout(15000)
  await p4.screenshot({ path: `${OUT}/big.png`, fullPage: true })
  await p4.setViewportSize({ width: 390, height: 844 })
  console.log('overflow', await p4.evaluate('document.documentElement.scrollWidth'))
  await p4.screenshot({ path: `${OUT}/bigphone.png`, fullPage: true, clip: { x: 0, y: 0, width: 390, height: 1700 } })
  await p4.screenshot({ path: `${OUT}/bigphone2.png`, fullPage: true, clip: { x: 0, y: 1700, width: 390, height: 1700 } })
  await p4.setViewportSize({ width: 820, height: 1100 })
  await p4.screenshot({ path: `${OUT}/tablet.png` })
  const p3 = await inn(await open('light', 390, 844))
  await p3.screenshot({ path: `${OUT}/phone.png`, fullPage: true })
  console.log('overflow', await p3.evaluate('document.documentElement.scrollWidth'))
  await ground.stop()
  await p2.waitForTimeout(9000)
  await p2.screenshot({ path: `${OUT}/broken.png` })
  await browser.close()
  await ground[Symbol.asyncDispose]()
})
