import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { mediaKey, parseMediaName } from '../../../src/media/names.js'
import { parseTenantId } from '../../../src/tenants/ids.js'
import { type Answer, ApiGround, type Asking, ask } from '../../api/ground.js'
import { type NginxServer, startNginx } from '../../support/nginx.js'
import { type S3Server, startS3 } from '../../support/s3.js'
import { s3Client } from '../../support/s3-place.js'
import { findFreePort } from '../../support/server.js'
import { startTlsFront, type TlsFront } from './tls-front.js'

const CONF = fileURLToPath(new URL('../../../docs/nginx-media.conf', import.meta.url))
const CONTENT = randomBytes(5000)
const SHA256 = createHash('sha256').update(CONTENT).digest('hex')
const BY_CONTENT = `${SHA256.slice(0, 2)}/${SHA256}.png`
const SAFE = { 'x-content-type-options': 'nosniff', 'content-security-policy': "sandbox; default-src 'none'" }
const idOf = (flag: string) => Number.parseInt(String(spawnSync('id', [flag, 'www-data']).stdout), 10)
/** That of the file; NaN where there is no such user. */
const webUser = { uid: idOf('-u'), gid: idOf('-g') }
const FOR_GOOD = 'public, max-age=31536000, immutable'

let folder: string
let s3: S3Server
let front: TlsFront
let ground: ApiGround
let nginx: NginxServer
let port: number

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'feedctl-test-'))
  s3 = await startS3()
  const name = `${s3.bucket}.s3.amazonaws.com`
  front = await startTlsFront(s3.endpoint, name, folder)
  ground = await ApiGround.create({ ...s3.env, WASABI_URL: 'https://media.example.com' })
  port = await findFreePort()
  nginx = await startNginx(port, settings(name, ground, port))
})

afterAll(async () => {
  await nginx?.dispose()
  await ground?.[Symbol.asyncDispose]()
  await front?.[Symbol.asyncDispose]()
  await s3?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** The file as an operator would write it for this place: names, ports and folders are other ones, and nothing else. */
function settings(bucket: string, of: ApiGround, listening: number): string {
  const changes: [string, string][] = [
    ['my-bucket.s3.eu-central-1.wasabisys.com:443', `127.0.0.1:${front.port}`],
    ['my-bucket.s3.eu-central-1.wasabisys.com', bucket],
    ['/etc/ssl/certs/ca-certificates.crt', front.certificate],
    ['/var/lib/feedctl', of.app.config.data],
    ['listen 80;', `listen 127.0.0.1:${listening};`],
    ['http://127.0.0.1:8080', of.api.url],
  ]
  return changes.reduce(
    (text, [from, to]) => {
      expect(text).toContain(from)
      return text.replaceAll(from, to)
    },
    readFileSync(CONF, 'utf8'),
  )
}

function get(path: string, { headers, ...asking }: Asking = {}): Promise<Answer> {
  return ask(`http://127.0.0.1:${port}`, path, { ...asking, headers: { host: 'media.example.com', ...headers } })
}

function local(key: string, content: string | Buffer): void {
  const path = join(ground.app.config.data, 'media', key)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

async function inBucket(key: string, content: string | Buffer, type: string): Promise<void> {
  const client = s3Client(s3)
  await client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: key, Body: content, ContentType: type }))
  client.destroy()
}

const pathTo = (key: string): string => `/media/${key.split('/').map(encodeURIComponent).join('/')}`

describe('a local file', () => {
  test('is served with what its name says, for good where that is its content', async () => {
    local(`1/${BY_CONTENT}`, CONTENT)
    const { status, headers, body } = await get(`/media/1/${BY_CONTENT}`)
    expect([status, body.equals(CONTENT)]).toEqual([200, true])
    expect(headers).toMatchObject({ ...SAFE, 'content-type': 'image/png', 'content-length': '5000', 'cache-control': FOR_GOOD })
    expect(headers).not.toHaveProperty('content-disposition')
    const again = await get(`/media/1/${BY_CONTENT}`, { headers: { 'if-none-match': headers.etag ?? '' } })
    expect([again.status, again.body.length]).toEqual([304, 0])
  })

  test('is served in parts', async () => {
    local('1/parts.png', CONTENT)
    const part = await get('/media/1/parts.png', { headers: { range: 'bytes=-10' } })
    expect([part.status, part.headers['content-range'], part.body]).toEqual([206, 'bytes 4990-4999/5000', CONTENT.subarray(-10)])
    expect((await get('/media/1/parts.png', { headers: { range: 'bytes=5000-' } })).status).toBe(416)
  })

  test.each([
    'a b.png',
    'a+b%20c.png',
    'caf\u00e9.png',
    'cafe\u0301.png',
    'line\nbreak.png',
    'deep/er/a;b?c#d.png',
  ])('is served whatever its name: %j', async name => {
    local(`2/${name}`, name)
    const { status, headers, body } = await get(pathTo(`2/${name}`))
    expect([status, body.toString(), headers['cache-control']]).toEqual([200, name, 'public, max-age=300'])
  })

  test.each([
    ['evil.svg', 'image/svg+xml'],
    ['evil.html', 'application/octet-stream'],
    ['evil.xml', 'application/octet-stream'],
    ['evil', 'application/octet-stream'],
    ['evil.pdf', 'application/pdf'],
  ])('%s is saved, never shown', async (name, type) => {
    local(`1/${name}`, '<script>')
    const { headers } = await get(`/media/1/${name}`)
    expect(headers).toMatchObject({ ...SAFE, 'content-type': type, 'content-disposition': 'attachment' })
  })
})

describe('a file that is no longer here', () => {
  test("comes from the bucket, without what is nobody else's business", async () => {
    await inBucket(`media/3/${BY_CONTENT}`, CONTENT, 'image/png')
    const asking = { headers: { cookie: 'session=1', authorization: 'Bearer x' } }
    const { status, headers, body } = await get(`/media/3/${BY_CONTENT}?acl&x-amz-y=1`, asking)
    expect([status, body.equals(CONTENT)]).toEqual([200, true])
    expect(headers).toMatchObject({ ...SAFE, 'content-type': 'image/png', 'cache-control': FOR_GOOD })
    expect(headers).not.toHaveProperty('content-disposition')
    expect(Object.keys(headers).filter(name => name.startsWith('x-amz'))).toEqual([])
    const asked = front.asked.at(-1)
    expect(asked?.url).toBe(`/media/3/${BY_CONTENT}`)
    expect(asked?.headers).not.toHaveProperty('cookie')
    expect(asked?.headers).not.toHaveProperty('authorization')
  })

  test('comes in parts too', async () => {
    await inBucket('media/3/parts.png', CONTENT, 'image/png')
    const part = await get('/media/3/parts.png', { headers: { range: 'bytes=10-19' } })
    expect([part.status, part.headers['content-range'], part.body]).toEqual([206, 'bytes 10-19/5000', CONTENT.subarray(10, 20)])
  })

  test.each(['a b.png', 'a+b.png', 'a%20b.png', 'cafe\u0301.png'])('comes whatever its name: %j', async name => {
    await inBucket(`media/3/${name}`, name, 'image/png')
    const { status, body } = await get(pathTo(`3/${name}`))
    expect([status, body.toString()]).toEqual([200, name])
  })

  test.each([
    'image/svg+xml',
    'text/html',
    'text/html; charset=utf-8',
    'application/xhtml+xml',
  ])('is saved, never shown, when it is %s', async type => {
    await inBucket('media/3/named-as.png', '<script>', type)
    const { headers } = await get('/media/3/named-as.png')
    expect(headers).toMatchObject({ ...SAFE, 'content-type': type, 'content-disposition': 'attachment' })
  })

  test('is missing where the bucket has none either, without the words of the bucket', async () => {
    const { status, headers, body } = await get('/media/3/nowhere.png')
    expect(status).toBe(404)
    expect(headers['content-type']).toBe('text/html')
    expect(body.toString()).not.toMatch(/NoSuchKey|xml/i)
  })
})

describe('nothing else is served', () => {
  const KEY = 'media-links.key'

  test.each([
    '/',
    '/media/',
    '/media/1/',
    '/media/1',
    '/media/acme/x.png',
    `/${KEY}`,
    '/databases/feedctl.db',
    `/media/1/../../${KEY}`,
    `/media/1/..%2f..%2f${KEY}`,
    `/media/1/%2e%2e/%2e%2e/${KEY}`,
    `/media/1/.%2e/%2E./${KEY}`,
    `/media/1/%252e%252e/${KEY}`,
    `/media/1/..\\..\\${KEY}`,
    `/media../${KEY}`,
    '/media/1//parts.png',
    '/media/2/../1/parts.png',
    '/media/1/./parts.png',
    '/media/1%2fparts.png',
    '/media/1/.feedctl-draft',
    '/media/1/folder/.feedctl-draft',
    '/media/1/.hidden',
  ])('%s', async path => {
    local('1/.feedctl-draft', 'being written')
    local('1/folder/.feedctl-draft', 'being written')
    local('1/.hidden', 'hidden')
    expect((await get(path)).status).toBe(404)
  })

  test('not even by a symbolic link', async () => {
    local('4/real.png', 'real')
    symlinkSync(join(ground.app.config.data, KEY), join(ground.app.config.data, 'media', '4', 'led.png'))
    symlinkSync(join(ground.app.config.data, 'databases'), join(ground.app.config.data, 'media', '4', 'led'))
    const answers = await Promise.all(['real.png', 'led.png', 'led/feedctl.db'].map(name => get(`/media/4/${name}`)))
    expect(answers.map(answer => answer.status)).toEqual([200, 404, 404])
  })

  test('nothing is changed', async () => {
    const answers = await Promise.all(['PUT', 'POST', 'DELETE'].map(method => get('/media/1/parts.png', { method })))
    expect(answers.map(answer => answer.status)).toEqual([403, 403, 403])
  })
})

test("public links are those that nginx serves, and the API's signed ones pass through it", async () => {
  const token = await ground.tenant('acme')
  const name = 'a+b c%2e\u0301.png'
  const shared = await ground.linkTo(token, await ground.file('acme', { name, state: 'deleted' }))
  const { origin, pathname } = new URL(shared)
  expect(origin).toBe('https://media.example.com')
  expect((await get(pathname)).body.toString()).toBe(`content of ${name}`)
  const signed = await ground.linkTo(token, await ground.file('acme', { name: `own ${name}` }))
  const { status, headers, body } = await get(signed, { headers: { host: 'api.example.com', range: 'bytes=0-6' } })
  expect([status, body.toString(), headers['cache-control']]).toEqual([206, 'content', 'private, no-cache'])
})

test.runIf(process.getuid?.() === 0 && Number.isInteger(webUser.uid))(
  'a worker that is not root reads the media of a folder that feedctl made, once it is let in',
  async () => {
    const data = join(folder, 'feedctl')
    chmodSync(folder, 0o755)
    // That of the units that feedctl makes.
    const umask = process.umask(0o027)
    onTestFinished(() => void process.umask(umask))
    await using made = await ApiGround.create({ FEEDCTL_DATA: data })
    const store = async (tenant: number) => {
      const { local: disk } = await made.app.disks()
      const facts = { type: 'image/png', md5: createHash('md5').update(CONTENT).digest('hex'), sha256: SHA256 }
      const key = mediaKey(parseTenantId(tenant), parseMediaName(BY_CONTENT))
      const source = { bytes: CONTENT.length, whole: CONTENT, open: () => Readable.from([CONTENT]) }
      await disk.put(key, source, facts, new AbortController().signal)
    }
    await store(1)
    const listening = await findFreePort()
    const conf = settings(`${s3.bucket}.s3.amazonaws.com`, made, listening)
    await using _server = await startNginx(listening, conf, 'www-data')
    const statuses = () =>
      Promise.all(
        [1, 2].map(async tenant => {
          const asking = { headers: { host: 'media.example.com' } }
          return (await ask(`http://127.0.0.1:${listening}`, `/media/${tenant}/${BY_CONTENT}`, asking)).status
        }),
      )
    expect(await statuses()).not.toContain(200)
    for (const [, line = ''] of conf.matchAll(/^# +(chgrp .+)$/gm)) execFileSync('sh', ['-ec', line])
    await store(2)
    expect(await statuses()).toEqual([200, 200])
    const readable = (path: string) => spawnSync('cat', [join(data, path)], webUser).status === 0
    expect([`media/1/${BY_CONTENT}`, 'databases/feedctl.db', 'media-links.key'].map(readable)).toEqual([true, false, false])
  },
)
