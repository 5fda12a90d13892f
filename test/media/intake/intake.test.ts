import { createHash } from 'node:crypto'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { identityOf } from '../../../src/media/identity.js'
import { contentName } from '../../../src/media/names.js'
import { calm, NONE, openFetcher } from '../../feeds/fetch/fetchers.js'
import { describeDatabases } from '../../tenants/installation.js'
import { IntakeGround } from './intake-ground.js'
import { GIF, HTML, MP3, png, SVG, sha256 } from './pictures.js'

describeDatabases('media intake', env => {
  it('stores the picture, the enclosures and the pictures of the content of a new post, whatever they are called', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    const [cover, photo] = [png(1), png(2, 700_000)]
    ground.served.set('/cover', cover).set('/photo.jpg', photo).set('/anim.png', GIF)
    const enclosures = [{ url: ground.url('/photo.jpg'), type: 'image/jpeg', bytes: 1 }]
    await feeds.store([ground.post('a', ['/anim.png'], { image: ground.url('/cover'), enclosures })], 1)
    await ground.jobs(feeds)
    expect(await ground.outcomes(feeds)).toEqual(['/anim.png stored', '/cover stored', '/photo.jpg stored'])
    const files = await ground.files(feeds)
    expect(files.map(file => [file.name, file.type]).sort()).toEqual(
      [
        [contentName(sha256(cover), 'png'), 'image/png'],
        [contentName(sha256(photo), 'png'), 'image/png'],
        [contentName(sha256(GIF), 'gif'), 'image/gif'],
      ].sort(),
    )
    const large = files.find(file => file.bytes === photo.byteLength)
    expect(large).toMatchObject({ state: 'hashed', sha256: sha256(photo), md5: createHash('md5').update(photo).digest('hex') })
    expect(await ground.local(feeds, large?.name ?? '')).toEqual(photo)
    const path = join(ground.parts.disks.local.folder, String(feeds.tenant.id), large?.name ?? '')
    expect(large?.identity).toBe(identityOf(await lstat(path, { bigint: true })))
  })

  it('stores the same bytes once for a tenant, and once more for another', async () => {
    const ground = await IntakeGround.open(env)
    const [one, two] = [await ground.tenant(), await ground.tenant()]
    ground.served.set('/a.png', png(3)).set('/b.png', png(3))
    await one.store([ground.post('a', ['/a.png', '/b.png']), ground.post('b', ['/a.png'])], 1)
    await two.store([ground.post('a', ['/a.png'])], 1)
    await Promise.all([ground.jobs(one), ground.jobs(two)])
    expect(await ground.outcomes(one)).toEqual(['/a.png stored', '/a.png stored', '/b.png stored'])
    expect([(await ground.files(one)).length, (await ground.files(two)).length]).toEqual([1, 1])
    expect(await ground.local(two, contentName(sha256(png(3)), 'png'))).toEqual(png(3))
    // Within a job, and within days, a URL is asked for once per tenant.
    await one.store([ground.post('c', ['/a.png'])], 2)
    await ground.jobs(one)
    expect(ground.publisher.asked.filter(path => path === '/a.png')).toHaveLength(2)
  })

  it('refuses pages, sound and what is too large by their bytes, and keeps drawings as what they are', async () => {
    const ground = await IntakeGround.open(env, { FEEDCTL_MEDIA_MAX_BYTES: '20000' })
    const feeds = await ground.tenant()
    const typed =
      (type: string, bytes: Buffer, headers = {}) =>
      (response: import('node:http').ServerResponse) =>
        response.writeHead(200, { 'content-type': type, ...headers }).end(bytes)
    ground.served
      .set('/page.png', typed('image/png', HTML))
      .set('/sound.png', typed('image/png', MP3))
      .set('/text.png', typed('image/png', Buffer.from('no picture at all')))
      .set('/large.png', png(4, 30_000))
      .set('/bomb.png', typed('image/png', gzipSync(png(5, 5_000_000)), { 'content-encoding': 'gzip' }))
      .set('/packed.png', typed('text/html', gzipSync(png(6)), { 'content-encoding': 'gzip' }))
      .set('/drawing.png', typed('image/png', SVG))
    await feeds.store([ground.post('a', [...ground.served.keys()])], 1)
    await ground.jobs(feeds)
    expect(await ground.outcomes(feeds)).toEqual([
      '/bomb.png MEDIA_REFUSED',
      '/drawing.png stored',
      '/large.png MEDIA_REFUSED',
      '/packed.png stored',
      '/page.png MEDIA_REFUSED',
      '/sound.png MEDIA_REFUSED',
      '/text.png MEDIA_REFUSED',
    ])
    expect((await ground.files(feeds)).map(file => file.type).sort()).toEqual(['image/png', 'image/svg+xml'])
    const messages = (await ground.links(feeds)).map(link => link.failure_message)
    expect(messages).toContain('it is text/html, which the policy does not want')
    expect(messages).toContain('it is larger than 20000 bytes')
  })

  it('asks no address of the inside, neither at once nor by a redirect', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    ground.served.set('/away', response => response.writeHead(302, { location: 'http://169.254.169.254/latest/' }).end())
    await feeds.store([ground.post('a', ['/away', 'http://127.0.0.2/x.png', 'http://[::1]/x.png'])], 1)
    await ground.jobs(feeds)
    const outcomes = async () => (await ground.links(feeds)).map(link => [link.failure_code, link.next_at])
    expect(await outcomes()).toEqual(Array(3).fill(['ADDRESS_REFUSED', expect.any(Number)]))
    expect(await ground.begin(feeds.tenant)).toBe(false)
    await ground.makeDue(feeds)
    await ground.jobs(feeds)
    expect(await outcomes()).toEqual(Array(3).fill(['ADDRESS_REFUSED', null]))
  })

  it('tries again what failed, a few times and later each time, and stores it when it is there', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    ground.served
      .set('/cut.png', response => {
        response.writeHead(200, { 'content-length': '5000' }).write(png(7))
        setTimeout(() => response.destroy(), 20)
      })
      .set('/gone.png', response => response.writeHead(410).end())
    await feeds.store([ground.post('a', ['/late.png', '/cut.png', '/gone.png'])], 1)
    await ground.jobs(feeds)
    expect(await ground.outcomes(feeds)).toEqual(['/cut.png MEDIA_CUT', '/gone.png MEDIA_GONE', '/late.png MEDIA_HTTP_STATUS'])
    expect(await ground.files(feeds)).toEqual([])
    expect(await ground.begin(feeds.tenant)).toBe(false)
    const nextAt = async () =>
      Object.fromEntries((await ground.links(feeds)).map(link => [link.url.split('/').at(-1), link.next_at]))
    expect(await nextAt()).toMatchObject({ 'gone.png': null, 'late.png': expect.any(Number) })
    ground.served.set('/late.png', png(8))
    await ground.makeDue(feeds)
    expect(await ground.begin(feeds.tenant)).toBe(true)
    await ground.jobs(feeds)
    expect(await ground.outcomes(feeds)).toContain('/late.png stored')
    for (let attempt = 3; attempt <= 5; attempt++) {
      await ground.makeDue(feeds)
      await ground.jobs(feeds)
    }
    expect(await nextAt()).toMatchObject({ 'cut.png': null })
    expect((await ground.links(feeds)).find(link => link.url.endsWith('/cut.png'))).toMatchObject({
      state: 'failed',
      attempts: 5,
    })
  })

  it('leaves half of the places at a host to its feeds', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    const held: (() => void)[] = []
    const paths = Array.from({ length: 8 }, (_, n) => `/slow${n}.png`)
    for (const [n, path] of paths.entries()) ground.served.set(path, response => held.push(() => response.end(png(n))))
    ground.served.set('/feed', Buffer.from('<rss/>'))
    await feeds.store([ground.post('a', paths)], 1)
    const job = ground.job(feeds)
    await expect.poll(() => held.length).toBe(4)
    const feed = await openFetcher({}, ground.gates).fetch(ground.url('/feed'), NONE, calm)
    expect([feed.kind, held.length]).toEqual(['document', 4])
    const releasing = setInterval(() => held.splice(0).map(end => end()), 5)
    await job.finally(() => clearInterval(releasing))
    expect(await ground.outcomes(feeds)).toEqual(paths.map(path => `${path} stored`))
  })

  it('says of what takes longer than a job that it failed, and begins nothing late in a job', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    ground.served.set('/endless.png', response => response.writeHead(200).write(png(9))).set('/quick.png', png(10))
    await feeds.store([ground.post('a', ['/endless.png'])], 1)
    await ground.job(feeds, calm, { ...ground.parts, jobTimeoutMs: 0 })
    expect([await ground.outcomes(feeds), ground.again]).toEqual([['/endless.png waiting'], 1])
    // On a busy machine a job may be late before it has begun.
    while ((await ground.outcomes(feeds)).join() === '/endless.png waiting') {
      await ground.job(feeds, calm, { ...ground.parts, jobTimeoutMs: 2_000 })
    }
    // With the time that a job has, which a busy machine does not use up.
    await feeds.store([ground.post('b', ['/quick.png'])], 2)
    await ground.jobs(feeds)
    expect(await ground.outcomes(feeds)).toEqual(['/endless.png MEDIA_TIMEOUT', '/quick.png stored'])
    expect(await ground.begin(feeds.tenant)).toBe(false)
  })
})
