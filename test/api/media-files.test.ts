import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseMediaName } from '../../src/media/names.js'
import { linkKey } from '../../src/media/serving/link-key.js'
import { LinkSigner } from '../../src/media/serving/links.js'
import { parseSlug, parseTenantId } from '../../src/tenants/ids.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { ApiGround, errorCode } from './ground.js'

const CONTENT = Buffer.from('0123456789'.repeat(10))
const MODIFIED = 'Fri, 02 Jan 2026 03:04:05 GMT'
const hasProc = existsSync('/proc/self/fd')

let ground: ApiGround
let acme: string
let globex: string

beforeAll(async () => {
  ground = await ApiGround.create()
  acme = await ground.tenant('acme', ['--placement', 'shared'])
  globex = await ground.tenant('globex', ['--placement', 'shared'])
})

afterAll(() => ground[Symbol.asyncDispose]())

/** A file of acme's, and the link to it. */
async function linked(name: string, given: { content?: string | Buffer; type?: string | null } = {}): Promise<string> {
  return ground.linkTo(acme, await ground.file('acme', { name, ...given }))
}

/** A file under the name of its content. */
async function contentFile(extension: string, type: string): Promise<{ link: string; sha256: string }> {
  const content = randomBytes(100)
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { sha256, link: await linked(`${sha256.slice(0, 2)}/${sha256}.${extension}`, { content, type }) }
}

describe('a link opens a file', () => {
  test('with its type, length and validators, as what nothing of it can be run', async () => {
    const { link, sha256 } = await contentFile('png', 'image/png')
    const { status, headers, body } = await ground.ask(link)
    expect(status).toBe(200)
    expect(createHash('sha256').update(body).digest('hex')).toBe(sha256)
    expect(headers).toMatchObject({
      'content-type': 'image/png',
      'content-length': '100',
      'content-disposition': `inline; filename="${sha256}.png"`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'cache-control': 'private, max-age=31536000, immutable',
      'accept-ranges': 'bytes',
      'cross-origin-resource-policy': 'cross-origin',
      etag: `"${sha256}"`,
    })
    expect(Date.parse(headers['last-modified'] ?? '')).toBeGreaterThan(Date.now() - 60_000)
  })

  test('HEAD is answered alike, without the bytes', async () => {
    const link = await linked('head.png')
    const got = await ground.ask(link)
    const { status, headers, body } = await ground.ask(link, { method: 'HEAD', headers: { range: 'bytes=0-1' } })
    expect([status, body.length]).toEqual([200, 0])
    const own = { date: '', 'x-request-id': '' }
    expect({ ...headers, ...own }).toEqual({ ...got.headers, ...own })
  })

  test.each([
    ['evil.svg', 'image/svg+xml'],
    ['evil.html', 'text/html'],
    ['evil.xml', 'application/xml'],
    ['evil.pdf', 'application/pdf'],
    ['evil.js', 'text/javascript'],
  ])('%s is saved, never shown', async (name, type) => {
    const { headers } = await ground.ask(await linked(name, { type }))
    expect(headers).toMatchObject({ 'content-type': type, 'content-disposition': `attachment; filename="${name}"` })
  })

  test('what nobody has looked into yet has no type, and is saved', async () => {
    const { headers } = await ground.ask(await linked('unknown.html', { type: null }))
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename="unknown.html"',
    })
  })

  test.each([
    'with space.png',
    'plus+percent%20.png',
    'caf\u00e9.png',
    'cafe\u0301.png',
    'line\nbreak.png',
    'back\\slash.png',
    '..hidden',
    '?#&=;.png',
    'deep/er/and deeper/a.png',
    `${'n'.repeat(251)}.png`,
    `${'ü'.repeat(125)}.png`,
  ])('whatever its name: %j', async name => {
    const { status, body } = await ground.ask(await linked(name))
    expect([status, body.toString()]).toEqual([200, `content of ${name}`])
  })

  test('of no bytes at all', async () => {
    const link = await linked('empty.png', { content: '' })
    const { status, headers } = await ground.ask(link, { headers: { range: 'bytes=0-' } })
    expect([status, headers['content-length']]).toEqual([200, '0'])
  })
})

describe('parts of a file', () => {
  let link: string
  let etag: string
  beforeAll(async () => {
    link = await linked('ranges.bin', { content: CONTENT })
    utimesSync(ground.pathOf(1, 'ranges.bin'), new Date(), new Date(MODIFIED))
    etag = (await ground.ask(link)).headers.etag ?? ''
  })

  test.each([
    ['bytes=0-0', 'bytes 0-0/100', '0'],
    ['bytes=95-', 'bytes 95-99/100', '56789'],
    ['bytes=-3', 'bytes 97-99/100', '789'],
    ['bytes=98-1000', 'bytes 98-99/100', '89'],
  ])('%s', async (range, contentRange, content) => {
    const { status, headers, body } = await ground.ask(link, { headers: { range } })
    expect([status, headers['content-range'], headers['content-length'], body.toString()]).toEqual([
      206,
      contentRange,
      String(content.length),
      content,
    ])
  })

  test('beyond its end are refused, with its length', async () => {
    const { status, headers } = await ground.ask(link, { headers: { range: 'bytes=100-' } })
    expect([status, headers['content-range'], headers['content-length']]).toEqual([416, 'bytes */100', '0'])
  })

  test('several at once are answered with all of it', async () => {
    expect(await ground.ask(link, { headers: { range: 'bytes=0-0,5-6' } })).toMatchObject({ status: 200, body: CONTENT })
  })

  test('are of the file that the client has begun to read, or it gets all of the new one', async () => {
    const part = (ifRange: string) => ground.ask(link, { headers: { range: 'bytes=0-4', 'if-range': ifRange } })
    const answers = await Promise.all([part(etag), part(MODIFIED), part('"other"'), part('Thu, 01 Jan 2026 00:00:00 GMT')])
    expect(answers.map(answer => answer.status)).toEqual([206, 206, 200, 200])
  })

  test('what the client has is not sent again', async () => {
    const headers = [{ 'if-none-match': etag }, { 'if-modified-since': MODIFIED }, { 'if-none-match': '"other"' }]
    const answers = await Promise.all(headers.map(asked => ground.ask(link, { headers: asked })))
    expect(answers.map(({ status, body }) => [status, body.length])).toEqual([
      [304, 0],
      [304, 0],
      [200, 100],
    ])
    expect(answers[0]?.headers).toMatchObject({ etag, 'cache-control': 'private, no-cache' })
    expect(answers[0]?.headers).not.toHaveProperty('content-type')
  })

  test('a file that was replaced under its name has another ETag', async () => {
    const changing = await linked('changing.bin', { content: 'before' })
    const before = await ground.ask(changing)
    writeFileSync(ground.pathOf(1, 'changing.bin'), 'after, and longer')
    const after = await ground.ask(changing, { headers: { 'if-none-match': before.headers.etag ?? '' } })
    expect([after.status, after.body.toString()]).toEqual([200, 'after, and longer'])
  })
})

describe('no link opens', () => {
  test("another tenant's file, whoever signed what", async () => {
    const own = await linked('secret.png', { content: "acme's" })
    await ground.file('globex', { name: 'secret.png', content: "globex's" })
    await ground.file('globex', { name: 'theirs.png' })
    const [path = '', query = ''] = own.split('?')
    const tried = [
      `${path.replace('/1/', '/2/')}?${query}`,
      `${path.replace('secret', 'theirs')}?${query}`,
      `/media/1/../2/secret.png?${query}`,
      `/media/1/%2e%2e/2/secret.png?${query}`,
      `/media/1/..%2F2%2Fsecret.png?${query}`,
      `/media/1/%252e%252e%252f2/secret.png?${query}`,
      `/media//1/secret.png?${query}`,
      `/media/2/../1/secret.png?${query}`,
    ]
    const answers = await Promise.all(tried.map(each => ground.ask(each)))
    expect(answers.map(answer => answer.status)).toEqual([403, 403, 400, 400, 400, 403, 400, 400])
    expect(answers.every(answer => !answer.body.includes("'s"))).toBe(true)
    expect((await ground.ask(own)).body.toString()).toBe("acme's")
    const theirs = await ground.linkTo(globex, 1)
    expect((await ground.ask(theirs)).body.toString()).toBe("globex's")
  })

  test('once its time is over', async () => {
    await linked('late.png')
    const signer = new LinkSigner(linkKey(ground.app.config))
    const { path } = signer.link(parseTenantId(1), parseMediaName('late.png'), Date.now() - 3_600_000)
    const answer = await ground.ask(path)
    expect([answer.status, errorCode(answer)]).toEqual([410, 'LINK_EXPIRED'])
  })

  test('without a signature, or with one of another time', async () => {
    const link = await linked('signed.png')
    const [path = ''] = link.split('?')
    const longer = link.replace(/expires=\d+/, 'expires=9999999999')
    const answers = await Promise.all([path, `${link}x`, longer, `${link}&expires=9999999999`].map(each => ground.ask(each)))
    expect(answers.map(answer => [answer.status, errorCode(answer)])).toEqual(new Array(4).fill([403, 'LINK_INVALID']))
  })

  test('a file that has no row, though the disk has it', async () => {
    const link = await linked('listed.png')
    const { catalog } = ground.app
    const tenant = await getTenant(catalog, parseSlug('acme'))
    await withTenant(catalog, tenant, tables =>
      tables.transaction(tx => tx.remove('media').where('name', '=', 'listed.png').execute()),
    )
    const answer = await ground.ask(link)
    expect([answer.status, errorCode(answer)]).toEqual([404, 'MEDIA_NOT_FOUND'])
  })

  test('a file that a symbolic link leads to', async () => {
    const link = await linked('led.png')
    const path = ground.pathOf(1, 'led.png')
    rmSync(path)
    symlinkSync(join(ground.app.config.data, 'media-links.key'), path)
    expect((await ground.ask(link)).status).toBe(404)
    const inside = await linked('folder/led.png')
    renameSync(ground.pathOf(1, 'folder'), ground.pathOf(1, 'elsewhere'))
    symlinkSync(ground.pathOf(1, 'elsewhere'), ground.pathOf(1, 'folder'))
    expect((await ground.ask(inside)).status).toBe(404)
  })

  test('what is gone from the disk, where there is no bucket', async () => {
    const link = await linked('gone.png')
    rmSync(ground.pathOf(1, 'gone.png'))
    expect((await ground.ask(link)).status).toBe(404)
  })

  test('anything of a tenant that is suspended or deleted', async () => {
    const token = await ground.tenant('initech')
    const link = await ground.linkTo(token, await ground.file('initech', { name: 'a.png' }))
    await ground.installation.run(['tenant', 'suspend', 'initech'])
    const suspended = await ground.ask(link)
    expect([suspended.status, errorCode(suspended)]).toEqual([409, 'TENANT_WRONG_STATE'])
    await ground.installation.run(['tenant', 'delete', 'initech', '--yes'])
    const deleted = await ground.ask(link)
    expect([deleted.status, errorCode(deleted)]).toEqual([404, 'MEDIA_NOT_FOUND'])
  })
})

test.runIf(hasProc)('a large file is sent as fast as it is read by the client, and closed when the client goes', async () => {
  const link = await linked('large.bin', { content: Buffer.alloc(32 * 1024 * 1024, 7) })
  const path = ground.pathOf(1, 'large.bin')
  const isOpen = () => openFiles().includes(path)
  const before = process.memoryUsage().arrayBuffers
  const asking = request(ground.api.url + link, { agent: false })
  await new Promise<void>((resolve, reject) => {
    asking.on('response', response => response.once('readable', resolve))
    asking.on('error', reject)
    asking.end()
  })
  expect(isOpen()).toBe(true)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
  asking.on('error', () => {})
  asking.destroy()
  await expect.poll(isOpen).toBe(false)
  const whole = await ground.ask(link)
  expect(whole.body.length).toBe(32 * 1024 * 1024)
  await expect.poll(isOpen).toBe(false)
})

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      return []
    }
  })
}
