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
  await addRun(ground.app, { id: 'run-1234567890123456789', started_at: now - 75_000 } as never, Array.from({ length: 340 }, (_, i) => ({ tenant_id: i + 10, state: i < 200 ? 'ok' : i < 207 ? 'failed' : i < 220 ? 'running' : 'queued', finished_at: i < 207 ? now - 1000 : null })) as never).catch(e => console.log(String(e)))
  await insertRows(ground.app.catalog.database, 'alerts', [{ name: 'sync.overdue', message: 'the newest sync that succeeded is 40 minutes old, which is more than 30', since: now - 2_400_000, sent_at: now, sent: 1 }] as never)
  const p1 = await inn(await open('light'))
  await p1.waitForTimeout(12000)
  await p1.screenshot({ path: `${OUT}/light.png`, fullPage: true })
  const p2 = await inn(await open('dark'))
  await p2.screenshot({ path: `${OUT}/dark.png`, fullPage: true })
  const p3 = await inn(await open('light', 390, 844))
  await p3.screenshot({ path: `${OUT}/phone.png`, fullPage: true })
  console.log('overflow', await p3.evaluate('document.documentElement.scrollWidth'))
  await ground.stop()
  await p2.waitForTimeout(9000)
  await p2.screenshot({ path: `${OUT}/broken.png` })
  await browser.close()
  await ground[Symbol.asyncDispose]()
})
