import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { ApiGround } from '../api/ground.js'
import { PASSWORD, withDashboard } from '../api/ops-ground.js'
import { findProgram } from '../support/server.js'
import { addRun, addSources } from '../watch/rows.js'

const HOSTILE = '<img src=x onerror="document.title=`taken`">'
const TIMEOUT_MS = 60_000
let ground: ApiGround
let browser: Browser

beforeAll(async () => {
  ground = await ApiGround.create(withDashboard())
  await ground.installation.createTenant('acme', [], ['--placement', 'shared', '--name', HOSTILE])
  const now = Date.now()
  await ground.app.catalog.kysely.updateTable('tenants').set({ sync_failures: 3, synced_at: now }).execute()
  await addSources(ground.app, [
    {
      url: `https://a.example/${'long/'.repeat(60)}<script>alert(1)</script>`,
      failure_code: 'FEED_TIMEOUT',
      failure_message: HOSTILE,
      failure_count: 2,
    },
  ])
  browser = await chromium.launch({
    timeout: TIMEOUT_MS,
    executablePath: findProgram(['chromium'], 'chromium'),
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
})

afterAll(async () => {
  await browser?.close()
  await ground[Symbol.asyncDispose]()
})

/** A browser of its own at the dashboard, and everything that a good page does not do. */
async function visit(options: Parameters<Browser['newContext']>[0] = {}): Promise<{ page: Page; faults: string[] }> {
  const context: BrowserContext = await browser.newContext(options)
  context.setDefaultTimeout(TIMEOUT_MS)
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const faults: string[] = []
  page.on('console', message => void (['error', 'warning'].includes(message.type()) && faults.push(message.text())))
  page.on('pageerror', error => void faults.push(String(error)))
  page.on('request', request => void (new URL(request.url()).origin !== ground.api.url && faults.push(request.url())))
  await page.goto(`${ground.api.url}/ops`)
  return { page, faults }
}

async function logIn(page: Page, password = PASSWORD): Promise<void> {
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
}

async function visitInside(options: Parameters<Browser['newContext']>[0] = {}) {
  const visited = await visit(options)
  await logIn(visited.page)
  await visited.page.locator('main[aria-busy="false"]').waitFor()
  return visited
}

async function pressInMenu(page: Page, name: string): Promise<void> {
  await page.getByText('Session', { exact: true }).click()
  await page.getByRole('button', { name, exact: true }).click()
}

const atTheDoor = (page: Page) => page.getByLabel('Password').waitFor()

describe('in a browser', () => {
  test('a wrong password is told, the right one opens, and a logout closes', async () => {
    const { page, faults } = await visit()
    await logIn(page, 'not the password')
    expect(await page.getByRole('alert').textContent()).toBe('This is not the password.')
    // Chromium says so of each page that is answered with a status of 400 or more.
    expect(faults.splice(0).filter(fault => !fault.includes('status of 401'))).toEqual([])
    await logIn(page)
    await page.locator('main[aria-busy="false"]').waitFor()
    expect(await page.evaluate('document.cookie')).toBe('')
    await page.reload()
    await page.locator('#link[data-state="live"]').waitFor()
    await pressInMenu(page, 'Log out')
    await atTheDoor(page)
    await page.goBack()
    await atTheDoor(page)
    expect(faults).toEqual([])
  })

  test('a run that begins is shown without a reload, and hostile names are texts', async () => {
    const { page, faults } = await visitInside()
    await page.getByText('No sync has run yet.').waitFor()
    await addRun(ground.app, 'run-in-a-browser', Date.now(), ['ok', 'failed', 'queued', 'queued'])
    await page.getByText('2 of 4 tenants done').waitFor()
    expect(await page.getByRole('progressbar', { name: 'Tenants done' }).getAttribute('aria-valuenow')).toBe('50')
    await page.locator('#failing').getByText(HOSTILE).waitFor()
    await page.locator('#sources').getByText(HOSTILE).waitFor()
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(await page.title()).toBe('feedctl')
    expect(faults).toEqual([])
  })

  test('who logs out everywhere shows the door to all others', async () => {
    const [one, two] = [await visitInside(), await visitInside()]
    await pressInMenu(one.page, 'Log out everywhere')
    await Promise.all([one, two].map(({ page }) => atTheDoor(page)))
    // An answer of 401, where the stream was asked for once more before the page knew.
    expect([...one.faults, ...two.faults].filter(fault => !fault.includes('status of 401'))).toEqual([])
  })

  test('colours are those of the system, or as they were chosen, which is remembered', async () => {
    const { page, faults } = await visitInside({ colorScheme: 'dark' })
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    const dark = await ground()
    await page.emulateMedia({ colorScheme: 'light' })
    const light = await ground()
    expect(light).not.toBe(dark)
    const button = page.getByRole('button', { name: /^Theme: / })
    await button.click()
    expect([await button.textContent(), await ground()]).toEqual(['Theme: light', light])
    await button.click()
    expect([await button.textContent(), await ground()]).toEqual(['Theme: dark', dark])
    await page.reload()
    expect([await button.textContent(), await ground()]).toEqual(['Theme: dark', dark])
    expect(faults).toEqual([])
  })

  test('a phone shows it without moving sideways, whatever is in it', async () => {
    const { page, faults } = await visitInside({ viewport: { width: 390, height: 844 }, reducedMotion: 'reduce' })
    await page.locator('#sources').getByText(HOSTILE).waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
    expect(await page.evaluate('getComputedStyle(document.querySelector(".dot")).animationName')).toBe('none')
    expect(faults).toEqual([])
  })

  test('a stream that is refused is replaced by asking, and a server that is gone by a word of how old all is', async () => {
    const { page } = await visit()
    await page.route('**/ops/events', route => route.fulfill({ status: 503 }))
    await logIn(page)
    await page.locator('#link[data-state="polling"]').waitFor()
    await page.route('**/ops/overview.json', route => route.abort())
    await page.getByText(/^Stale since .*: the server does not answer\. Trying again\.$/).waitFor()
    await page.unrouteAll()
    await page.locator('#link[data-state="live"]').waitFor()
    expect(await page.locator('#banner').isHidden()).toBe(true)
  })

  test('what is of another origin is not loaded, and texts make no markup: the policy bites', async () => {
    const { page } = await visitInside()
    const tried = `(() => {
      const blocked = new Promise(resolve => document.addEventListener('securitypolicyviolation', ({ blockedURI, effectiveDirective }) => {
        if (blockedURI.includes('evil')) resolve(effectiveDirective)
      }))
      const image = document.createElement('img')
      image.src = 'https://evil.example/x.png'
      const deeds = [() => document.body.insertAdjacentHTML('beforeend', '<p>'), () => document.body.setAttribute('onclick', '1')]
      const outcomes = deeds.map(deed => { try { deed(); return 'done' } catch { return 'refused' } })
      return blocked.then(directive => [directive, ...outcomes])
    })()`
    expect(await page.evaluate(tried)).toEqual(['img-src', 'refused', 'refused'])
  })
})
