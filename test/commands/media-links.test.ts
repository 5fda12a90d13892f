import { expect, it } from 'vitest'
import { readMediaFacts } from '../../src/doctor/media-facts.js'
import { IntakeGround } from '../media/intake/intake-ground.js'
import { png } from '../media/intake/pictures.js'
import { runCli } from '../support/cli.js'
import { describeDatabases } from '../tenants/installation.js'

describeDatabases('what posts name', env => {
  const cli = (...argv: string[]) => runCli(['media', ...argv], { env })
  const json = async (...argv: string[]) => JSON.parse((await cli(...argv, '--json')).out)

  /** Of a post: a picture, one that is not there, a page that is called one; and of another one nothing was looked at yet. */
  async function begin() {
    const ground = await IntakeGround.open(env)
    ground.served.set('/a.png', png(1))
    ground.served.set('/page.png', Buffer.from('<!doctype html><p>no picture'))
    const feeds = await ground.tenant()
    expect((await cli('status')).out).toContain('nothing is to be done')
    await feeds.store([ground.post('1', ['/a.png', '/gone.png', '/page.png'])], 1)
    await ground.jobs(feeds)
    await feeds.store([ground.post('2', ['/b.png'])], 2)
    return { ground, feeds, slug: feeds.tenant.slug }
  }

  it('is counted and listed with what became of it, and is something to be done for as long as it is not stored', async () => {
    const { ground, feeds, slug } = await begin()
    const { links, advice } = await json('status')
    expect(links).toEqual({
      posts: 1,
      waiting: 0,
      failed: { links: 1, given_up: 0, reason: { code: 'MEDIA_HTTP_STATUS', links: 1 } },
      refused: { links: 1, reason: { code: 'MEDIA_REFUSED', links: 1 } },
    })
    expect(advice).toContain('the media of 1 post is not looked at yet, 1 link failed, tried again later')
    expect((await cli('status')).out).toContain(
      'links   0 waiting · 1 failed (most with MEDIA_HTTP_STATUS) · 1 refused (most with MEDIA_REFUSED)\n',
    )
    const facts = await readMediaFacts(ground.here.catalog, Date.now(), new AbortController().signal)
    expect(facts?.links).toEqual({ waitingSince: 2, stored: 1, failed: 1, failure: 'MEDIA_HTTP_STATUS' })
    const listed = await json('list', slug, '--links', '--state', 'failed')
    const failure = { code: 'MEDIA_HTTP_STATUS', message: 'HTTP 404' }
    const link = {
      post_id: 1,
      url: ground.url('/gone.png'),
      kind: 'image',
      state: 'failed',
      media_id: null,
      attempts: 1,
      failure,
    }
    expect(listed).toEqual({ tenant: slug, links: [{ ...link, next_at: expect.stringMatching(/^20.*Z$/) }], next: null })
    expect((await cli('list', slug, '--links')).out).toMatch(
      /1 {2}failed +MEDIA_HTTP_STATUS +20\S+ \d\d:\d\d +http:\S+gone\.png\n/,
    )
    await ground.jobs(feeds)
    const page = await json('list', slug, '--links', '--limit', '2')
    expect([page.links.length, page.next]).toEqual([3, 1])
    expect(await json('list', slug, '--links', '--after', '1')).toMatchObject({ links: [{ post_id: 2 }], next: null })
  })

  it('has other states than files', async () => {
    const end = await cli('list', 'acme', '--links', '--state', 'grace')
    expect([end.exit, end.err]).toEqual([2, expect.stringContaining('a link is never grace')])
    expect((await cli('list', 'acme', '--state', 'failed')).err).toContain('a file is never failed')
  })
})
