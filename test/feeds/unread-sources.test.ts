import { expect, it } from 'vitest'
import { addFeeds, removeFeed } from '../../src/feeds/subscriptions.js'
import { forgetUnread } from '../../src/feeds/unread-sources.js'
import { markDeleted, type RemoveMedia, removeTenant } from '../../src/tenants/removal.js'
import { runCli } from '../support/cli.js'
import { describeDatabases, type Installation, noMedia, openInstallation, removing, tenantIn } from '../tenants/installation.js'

const NEVER = new AbortController().signal
const [MINE, OURS, LEFT] = ['https://mine.example/', 'https://ours.example/', 'https://left.example/']
const LATER_MS = 2 * 3_600_000

describeDatabases('sources that somebody stopped reading', env => {
  const urls = async ({ catalog }: Installation) =>
    (await catalog.kysely.selectFrom('sources').select('url').orderBy('url').execute()).map(row => row.url)

  it('are forgotten an hour later, unless another tenant reads them, wherever it is', async () => {
    const here = await openInstallation(env)
    const [gone, stays] = [await tenantIn(here, 'gone'), await tenantIn(here, 'stays', 'shared')]
    const wish = (url: string) => ({ url, title: null })
    await addFeeds(here.catalog, gone, [wish(MINE), wish(OURS)])
    await addFeeds(here.catalog, stays, [wish(OURS), wish(LEFT)])
    await removeFeed(here.catalog, stays, LEFT)
    await markDeleted(here.catalog, gone.slug, Date.now())
    expect(await removeTenant(here.catalog, gone.slug, removing())).toMatchObject({ sources: 2 })
    expect(await forgetUnread(here.catalog, NEVER)).toBe(0)
    expect(await urls(here)).toEqual([LEFT, MINE, OURS])
    expect(await forgetUnread(here.catalog, NEVER, Date.now() + LATER_MS)).toBe(2)
    expect(await urls(here)).toEqual([OURS])
    expect(await forgetUnread(here.catalog, NEVER, Date.now() + LATER_MS)).toBe(0)
  })

  it('are forgotten too when the removal of their reader took so long that they were looked for meanwhile', async () => {
    const here = await openInstallation(env)
    const slow = await tenantIn(here, 'slow')
    await addFeeds(here.catalog, slow, [{ url: 'https://slow.example/', title: null }])
    await markDeleted(here.catalog, slow.slug, Date.now())
    const media: RemoveMedia = async (...removal) => {
      await forgetUnread(here.catalog, NEVER, Date.now() + LATER_MS)
      return noMedia(...removal)
    }
    await removeTenant(here.catalog, slow.slug, removing(media))
    await forgetUnread(here.catalog, NEVER, Date.now() + LATER_MS)
    expect(await urls(here)).not.toContain('https://slow.example/')
  })

  it('stay while a host does not answer: nobody knows who reads them', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'unheard')
    await addFeeds(here.catalog, tenant, [{ url: MINE, title: null }])
    await removeFeed(here.catalog, tenant, MINE)
    await here.catalog.server.drop(tenant.placement.database)
    await expect(forgetUnread(here.catalog, NEVER, Date.now() + LATER_MS)).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })
    expect(await urls(here)).toContain(MINE)
    await here.catalog.kysely.updateTable('sources').set({ left_at: 1 }).where('left_at', 'is not', null).execute()
    const { out } = await runCli(['doctor', '--json'], { env })
    const finding = (JSON.parse(out).findings as { id: string }[]).find(({ id }) => id === 'sources.unforgotten')
    expect(finding).toMatchObject({
      severity: 'warn',
      evidence: expect.stringContaining(`cannot be asked of default/${tenant.placement.database} (`),
    })
  })
})
