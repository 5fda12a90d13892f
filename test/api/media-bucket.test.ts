import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MediaKey, mediaKey, parseMediaName } from '../../src/media/names.js'
import type { MediaState } from '../../src/tenants/databases/index.js'
import { parseSlug, parseTenantId } from '../../src/tenants/ids.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { type S3Server, startS3 } from '../support/s3.js'
import { ApiGround, type MediaJson } from './ground.js'

const ACME = parseTenantId(1)
const { signal } = new AbortController()

let s3: S3Server
let ground: ApiGround
let token: string

beforeAll(async () => {
  s3 = await startS3()
  ground = await ApiGround.create(s3.env)
  token = await ground.tenant('acme')
})

afterAll(async () => {
  await ground[Symbol.asyncDispose]()
  await s3[Symbol.asyncDispose]()
})

/** A file with a local copy, one in the bucket, or both; each says where it is. The answer is its id. */
async function file(
  name: string,
  state: MediaState,
  copies: { local?: boolean; bucket?: boolean },
  type = 'image/png',
): Promise<number> {
  if (copies.bucket === true) await putInBucket(ground, mediaKey(ACME, parseMediaName(name)), `bucket: ${name}`, type)
  return ground.file('acme', { name, state, type, content: ` local: ${name}`, local: copies.local === true })
}

async function putInBucket({ app }: ApiGround, key: MediaKey, content: string, type: string): Promise<void> {
  const whole = Buffer.from(content)
  const { wasabi } = await app.disks()
  const open = () => {
    throw new Error('it is held as a whole')
  }
  const sum = (kind: string) => createHash(kind).update(whole).digest('hex')
  const facts = { type, md5: sum('md5'), sha256: sum('sha256') }
  await wasabi?.put(key, { bytes: whole.length, whole, open }, facts, signal)
}

/** The link that was signed while the row was in this state, after which the row moved on. */
async function linkFrom(id: number, before: MediaState, after: MediaState): Promise<string> {
  const set = async (state: MediaState) => {
    const tenant = await getTenant(ground.app.catalog, parseSlug('acme'))
    await withTenant(ground.app.catalog, tenant, tables =>
      tables.transaction(tx => tx.updateMedia().set({ state }).where('id', '=', id).execute()),
    )
  }
  await set(before)
  const link = await ground.linkTo(token, id)
  await set(after)
  return link
}

/** Follows one redirection, as a browser does. */
async function follow(link: string): Promise<{ text: string; from: 'local' | 'bucket'; headers: Headers }> {
  const first = await ground.ask(link)
  if (first.status === 200) return { text: first.body.toString(), from: 'local', headers: new Headers() }
  expect([first.status, first.headers['cache-control']]).toEqual([302, 'no-store'])
  const answer = await fetch(first.headers.location ?? '')
  return { text: await answer.text(), from: 'bucket', headers: answer.headers }
}

describe('the link to a file', () => {
  test.each([
    'seen',
    'hashed',
    'uploading',
    'uploaded',
    'verified',
    'switched',
    'grace',
  ] as const)("is the API's own while it is %s", async state => {
    expect(await ground.linkTo(token, await file(`own ${state}.png`, state, { local: true }))).toMatch(/^\/media\/1\//)
  })

  test("is the bucket's once the local copy is gone", async () => {
    const name = 'of bucket +%.png'
    const id = await file(name, 'deleted', { bucket: true })
    const { url, expires_at }: MediaJson = await ground.json(`/v1/media/${id}`, token)
    expect(url.startsWith(s3.endpoint)).toBe(true)
    const left = Date.parse(expires_at ?? '') - Date.now()
    expect(left).toBeGreaterThan(14 * 60_000)
    expect(left).toBeLessThanOrEqual(15 * 60_000)
    const answer = await fetch(url)
    expect([answer.status, await answer.text()]).toEqual([200, `bucket: ${name}`])
  })

  test('makes a browser save what is not to be shown', async () => {
    const answer = await fetch(await ground.linkTo(token, await file('é.svg', 'deleted', { bucket: true }, 'image/svg+xml')))
    expect(answer.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''%C3%A9.svg")
  })
})

describe('a read', () => {
  test('is of the local copy for as long as it is there', async () => {
    const id = await file('both.png', 'verified', { local: true, bucket: true })
    for (const state of ['verified', 'switched', 'grace'] as const) {
      expect(await follow(await linkFrom(id, 'hashed', state))).toMatchObject({ from: 'local', text: ' local: both.png' })
    }
  })

  test("is of the bucket's copy once the local one is gone, whatever the row says", async () => {
    const id = await file('early.png', 'switched', { local: true, bucket: true })
    const link = await linkFrom(id, 'hashed', 'switched')
    rmSync(ground.pathOf(ACME, 'early.png'))
    expect(await follow(link)).toMatchObject({ from: 'bucket', text: 'bucket: early.png' })
    const done = await linkFrom(await file('done.png', 'deleted', { bucket: true }), 'hashed', 'deleted')
    expect(await follow(done)).toMatchObject({ from: 'bucket', text: 'bucket: done.png' })
  })

  test('is of no copy that was not looked at', async () => {
    const link = await ground.linkTo(token, await file('unverified.png', 'uploaded', { bucket: true }))
    expect((await ground.ask(link)).status).toBe(404)
  })

  test('needs no bucket that answers, where there is a local copy', async () => {
    await using other = await ApiGround.create({ ...s3.env, WASABI_ENDPOINT: 'http://127.0.0.1:9' })
    const link = await other.linkTo(await other.tenant('acme'), await other.file('acme', { name: 'a.png', state: 'uploaded' }))
    expect((await other.ask(link)).status).toBe(200)
  })
})

test('reads are counted by tenant and disk', async () => {
  await using other = await ApiGround.create(s3.env)
  const acme = await other.tenant('acme')
  const globex = await other.tenant('globex')
  const link = await other.linkTo(acme, await other.file('acme', { name: 'a.png' }))
  const theirs = await other.linkTo(globex, await other.file('globex', { name: 'a.png', state: 'uploaded' }))
  const { etag = '' } = (await other.ask(link)).headers
  await other.ask(link, { method: 'HEAD' })
  await other.ask(link, { headers: { 'if-none-match': etag } })
  await other.ask(`${link}x`)
  const tenant = await getTenant(other.app.catalog, parseSlug('globex'))
  await withTenant(other.app.catalog, tenant, tables =>
    tables.transaction(tx => tx.updateMedia().set({ state: 'deleted' }).execute()),
  )
  expect((await other.ask(theirs)).status).toBe(302)
  await other.stop()
  expect(await other.reads()).toEqual({ '1 local': 3, '2 wasabi': 1 })
})

test('links are public, and stay, where there is a CDN and no local copy', async () => {
  await using other = await ApiGround.create({ ...s3.env, WASABI_URL: 'https://cdn.example/base/' })
  const acme = await other.tenant('acme')
  const id = await other.file('acme', { name: 'a b+.png', state: 'deleted', local: false })
  await other.file('acme', { name: 'local.png', state: 'switched' })
  expect(await other.json(`/v1/media/${id}`, acme)).toMatchObject({
    url: 'https://cdn.example/base/media/1/a%20b%2B.png',
    expires_at: null,
  })
  expect(await other.json('/v1/media/2', acme)).toMatchObject({ url: expect.stringMatching(/^\/media\/1\/local\.png\?/) })
})
