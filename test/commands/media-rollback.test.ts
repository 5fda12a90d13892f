import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { Interruption } from '../../src/cli/interruption.js'
import { identityOf } from '../../src/media/identity.js'
import { withLock } from '../../src/tenants/locks.js'
import { withTenant } from '../../src/tenants/tables.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { files, type StoredFile, StoredMedia } from '../media/stored-media.js'
import { BIN } from '../support/bin.js'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'
import { type S3Server, startS3 } from '../support/s3.js'
import { S3Faults } from '../support/s3-faults.js'

let s3: S3Server
let faults: S3Faults
beforeAll(async () => {
  s3 = await startS3()
  faults = await S3Faults.before(s3)
})
afterAll(async () => {
  await faults[Symbol.asyncDispose]()
  await s3[Symbol.asyncDispose]()
})

let installations = 0
/** An installation with a prefix of its own in the bucket. */
async function furnish(slug: string, stored: readonly StoredFile[]) {
  const env = {
    FEEDCTL_DATA: temporaryFolder(),
    PATH: process.env.PATH ?? '',
    ...faults.place.env,
    FEEDCTL_MEDIA_PREFIX: `i${installations++}`,
  }
  const media = await StoredMedia.open(env)
  const tenant = await media.tenant(slug)
  await media.store(tenant, stored)
  const cli = (argv: readonly string[], signal?: AbortSignal) =>
    runCli(['media', 'rollback', ...argv], { env, ...(signal === undefined ? {} : { signal }) })
  const json = async (...argv: string[]) => {
    const result = await cli([...argv, '--json'])
    return { ...result, report: JSON.parse(result.out) }
  }
  const states = async (of: Tenant = tenant) => (await media.rows(of)).map(row => row.state)
  return { env, media, tenant, cli, json, states, local: (name: string) => readFileSync(media.pathOf(tenant, name)) }
}

const gets = () => faults.seen.filter(seen => seen.method === 'GET' && seen.key !== '').map(seen => seen.key)

it('restores every file to the byte, keeps right copies and replaces wrong ones, and moves the rows back', async () => {
  const [right, wrong] = [Buffer.from('a picture'), Buffer.from('A PICTURE')]
  const { media, tenant, json, local } = await furnish('acme', [
    ...files(20, 3000),
    { name: 'grace.png', content: right, state: 'grace' },
    { name: 'switched.png', content: right, state: 'switched', local: wrong },
    { name: 'uploaded.png', content: right, state: 'uploaded', local: Buffer.from('cut') },
    { name: 'empty', content: Buffer.alloc(0) },
    { name: 'never uploaded', content: right, state: 'hashed', object: null, local: wrong },
  ])
  const before = await media.rows(tenant)
  const { exit, report } = await json('acme', '--yes')
  expect(report).toMatchObject({
    dry_run: false,
    tenants: { total: 1, ok: 1, refused: 0, failed: 0, skipped: 0 },
    files: { total: 24, restored: 21, replaced: 2, kept: 1, earlier: 0, failed: 0 },
    bytes: 60_018,
    failures: [],
  })
  expect(exit).toBe(0)
  for (const { name, content } of files(20, 3000)) expect(local(name).equals(content)).toBe(true)
  for (const name of ['grace.png', 'switched.png', 'uploaded.png']) expect(local(name)).toEqual(right)
  expect(local('empty')).toHaveLength(0)
  expect(local('never uploaded')).toEqual(wrong)
  const after = await media.rows(tenant)
  for (const [index, row] of after.entries()) {
    expect(row).toMatchObject({ state: 'hashed', etag: before[index]?.etag, sha256: before[index]?.sha256, delete_after: null })
    expect(row.identity).not.toBeNull()
  }
  expect(readdirSync(media.pathOf(tenant, '.')).filter(name => name.startsWith('.feedctl-'))).toEqual([])
  const again = (await json('acme', '--yes')).report
  expect(again.files).toMatchObject({ total: 0, restored: 0 })
})

it.each<[string, string]>([
  ['of the same size', 'A PICTURE'],
  ['of another size', 'a newer picture'],
])('leaves a local file %s that was put there since alone, and refuses the tenant', async (_, words) => {
  const [content, newer] = [Buffer.from('a picture'), Buffer.from(words)]
  const { media, tenant, json, states, local } = await furnish('acme', [
    { name: 'switched.png', content, state: 'switched' },
    { name: 'deleted.png', content },
  ])
  for (const name of ['switched.png', 'deleted.png']) writeFileSync(media.pathOf(tenant, name), newer)
  const { exit, report } = await json('acme', '--yes')
  expect(exit).toBe(8)
  expect(report).toMatchObject({ tenants: { refused: 1 }, files: { failed: 2, replaced: 0 } })
  expect(report.failures.map((failure: { code: string }) => failure.code)).toEqual(['MEDIA_CHANGED', 'MEDIA_CHANGED'])
  expect([local('switched.png'), local('deleted.png')]).toEqual([newer, newer])
  expect(await states()).toEqual(['switched', 'deleted'])
})

it('leaves a local file alone that is put there while its object is read', async () => {
  const { media, tenant, json, local } = await furnish('acme', files(1))
  const path = media.pathOf(tenant, 'pictures/0.png')
  faults.plan = seen => {
    if (seen.method !== 'GET' || seen.key === '') return null
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, 'newer')
    return null
  }
  const { exit, report } = await json('acme', '--yes')
  faults.plan = null
  expect(exit).toBe(8)
  expect(report.failures).toMatchObject([{ name: 'pictures/0.png', code: 'MEDIA_CHANGED' }])
  expect(local('pictures/0.png').toString()).toBe('newer')
})

it('a migration after a rollback that was stopped takes over what it had restored', async () => {
  const { env, media, tenant, states } = await furnish('acme', files(3))
  const [file] = files(3)
  mkdirSync(dirname(media.pathOf(tenant, 'pictures/0.png')), { recursive: true })
  writeFileSync(media.pathOf(tenant, 'pictures/0.png'), file?.content ?? '')
  const identity = identityOf(statSync(media.pathOf(tenant, 'pictures/0.png'), { bigint: true }))
  await withTenant(media.catalog, tenant, tables =>
    tables.transaction(tx => tx.updateMedia().set({ identity }).where('id', '=', 1).execute()),
  )
  faults.seen.length = 0
  const { exit, out } = await runCli(['media', 'migrate-to-wasabi', 'acme', '--json'], { env })
  expect(exit).toBe(0)
  expect(JSON.parse(out).files).toMatchObject({ total: 1, migrated: 1, skipped: 0 })
  expect(await states()).toEqual(['switched', 'deleted', 'deleted'])
  expect(faults.seen.filter(seen => seen.method === 'PUT')).toEqual([])
})

it('refuses when an object has other content than the journal says, and leaves rows and local copies as they are', async () => {
  const content = Buffer.from('a picture')
  const { media, tenant, json, states, local } = await furnish('acme', [
    ...files(5),
    { name: 'bad', content, object: Buffer.from('a forgery') },
    { name: 'worse', content, object: Buffer.from('a forgery'), state: 'grace' },
  ])
  const before = await states()
  const { exit, err, report } = await json('acme', '--yes')
  expect(exit).toBe(8)
  expect(err).toContain('1 tenant not rolled back')
  expect(report.tenants).toMatchObject({ ok: 0, refused: 1, failed: 0 })
  expect(report.files.failed).toBe(2)
  expect(report.failures.map((failure: { name: string }) => failure.name).toSorted()).toEqual(['bad', 'worse'])
  expect(await states()).toEqual(before)
  expect(existsSync(media.pathOf(tenant, 'bad'))).toBe(false)
  expect(local('worse')).toEqual(content)

  await media.putObject(tenant, 'bad', content)
  await media.putObject(tenant, 'worse', content)
  faults.seen.length = 0
  const mended = await json('acme', '--yes')
  expect(mended.exit).toBe(0)
  expect(mended.report.files).toMatchObject({ total: 7, earlier: 5, restored: 1, kept: 1 })
  expect(gets()).toHaveLength(2)
})

it('reads nothing of a tenant whose object is missing or of another size, and rolls its neighbour back', async () => {
  const { media, tenant, json, states } = await furnish('acme', [
    ...files(3),
    { name: 'gone', content: Buffer.from('x'), object: null },
  ])
  const neighbour = await media.tenant('acme-2')
  await media.store(neighbour, files(2))
  faults.seen.length = 0
  const { exit, report } = await json('--all', '--yes')
  expect(exit).toBe(8)
  expect(report).toMatchObject({ tenants: { total: 2, ok: 1, refused: 1 }, files: { total: 6, restored: 2, failed: 1 } })
  expect(report.failures).toMatchObject([{ tenant: 'acme', name: 'gone', code: 'MEDIA_NOT_FOUND' }])
  expect(gets()).toHaveLength(2)
  expect(await states()).toEqual(['deleted', 'deleted', 'deleted', 'deleted'])
  expect(await states(neighbour)).toEqual(['hashed', 'hashed'])
  expect(existsSync(media.pathOf(tenant, 'pictures/0.png'))).toBe(false)
})

it('--dry-run says what it would do, needs no yes, and does nothing', async () => {
  const { media, tenant, json, states, cli } = await furnish('acme', [
    ...files(4, 1000),
    { name: 'here', content: Buffer.from('x'), state: 'grace' },
  ])
  const { exit, report } = await json('acme', '--dry-run')
  expect(exit).toBe(0)
  expect(report).toMatchObject({ dry_run: true, files: { total: 5, restored: 4, kept: 1 }, bytes: 4000 })
  expect(report.free_bytes).toBeGreaterThan(4000)
  expect((await cli(['acme', '--dry-run'])).out).toMatch(/^would restore 4 files \(4\.0 kB\) of 1 tenant/)
  expect(await states()).toEqual(['deleted', 'deleted', 'deleted', 'deleted', 'grace'])
  expect(existsSync(media.pathOf(tenant, 'pictures/0.png'))).toBe(false)
  await media.removeObject(tenant, 'here')
  expect((await cli(['acme', '--dry-run'])).exit).toBe(8)
})

it('a bucket that cannot be listed is no missing object: exit 5, nothing is changed', async () => {
  const { json, states } = await furnish('acme', files(2))
  faults.down = true
  const { exit, report } = await json('acme', '--yes')
  faults.down = false
  expect(exit).toBe(5)
  expect(report).toMatchObject({
    files: { restored: 0, failed: 0 },
    failures: [{ tenant: 'acme', name: null, code: 'UNAVAILABLE' }],
  })
  expect(await states()).toEqual(['deleted', 'deleted'])
})

it('stops at SIGTERM with what is in flight, exits 143, and goes on from there', async () => {
  const { json, cli, states } = await furnish('acme', files(40))
  const stopping = new AbortController()
  let reads = 0
  faults.plan = seen => {
    if (seen.method === 'GET' && seen.key !== '' && ++reads === 20) stopping.abort(new Interruption('SIGTERM'))
    return { kind: 'delay', ms: 10 }
  }
  const { exit, out } = await cli(['acme', '--yes', '--json'], stopping.signal)
  faults.plan = null
  expect(exit).toBe(143)
  const { restored } = JSON.parse(out).files
  expect(restored).toBeLessThan(25)
  expect(new Set(await states())).toEqual(new Set(['deleted']))
  const { report } = await json('acme', '--yes')
  expect(report.files.restored + report.files.earlier).toBe(40 - report.files.kept)
  expect(report.files.earlier).toBeGreaterThan(5)
  expect(new Set(await states())).toEqual(new Set(['hashed']))
})

it('goes on after kill -9 without reading again what is restored', async () => {
  const { env, json, states, local } = await furnish('acme', files(60, 2000))
  let reads = 0
  const child = spawn(process.execPath, [BIN, 'media', 'rollback', 'acme', '--yes'], { env, stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  faults.plan = seen => {
    if (seen.method === 'GET' && seen.key !== '' && ++reads === 40) child.kill('SIGKILL')
    return { kind: 'delay', ms: 15 }
  }
  await once(child, 'exit')
  faults.plan = null
  expect(reads).toBeGreaterThanOrEqual(40)
  expect(new Set(await states())).toEqual(new Set(['deleted']))
  faults.seen.length = 0
  const { exit, report } = await json('acme', '--yes')
  expect(exit).toBe(0)
  expect(report.files).toMatchObject({ total: 60, failed: 0, replaced: 0 })
  expect(report.files.earlier).toBeGreaterThan(15)
  expect(gets()).toHaveLength(60 - report.files.earlier)
  for (const { name, content } of files(60, 2000)) expect(local(name).equals(content)).toBe(true)
  expect(new Set(await states())).toEqual(new Set(['hashed']))
})

it('looks whether there is room before it reads anything', async ({ skip }) => {
  const { env, states } = await furnish('acme', files(4, 100_000))
  const folder = join(env.FEEDCTL_DATA, 'media')
  mkdirSync(folder)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'feedctl-test', folder], { stdio: 'pipe' })
  } catch {
    skip('only root may mount a small disk')
  }
  try {
    faults.seen.length = 0
    const result = await runCli(['media', 'rollback', 'acme', '--yes'], { env })
    expect(result).toMatchObject({ exit: 5, out: '', err: expect.stringContaining('(DISK_FULL)') })
    expect(result.err).toContain('400000 are to be restored')
    expect(gets()).toEqual([])
    expect(await states()).toEqual(['deleted', 'deleted', 'deleted', 'deleted'])
  } finally {
    execFileSync('umount', [folder])
  }
})

it('runs alone: exit 7 while a migration runs', async () => {
  const { media, cli, states } = await furnish('acme', files(1))
  await withLock(media.catalog, 'media migrate-to-wasabi', async () => {
    expect(await cli(['acme', '--yes'])).toMatchObject({ exit: 7, err: expect.stringContaining('(LOCKED)') })
  })
  expect(await states()).toEqual(['deleted'])
})

it.each<[string[], number, string]>([
  [[], 2, 'USAGE'],
  [['acme', '--all', '--yes'], 2, 'USAGE'],
  [['acme'], 2, 'CONFIRMATION_NEEDED'],
  [['nobody', '--yes'], 4, 'TENANT_NOT_FOUND'],
])('%j is refused', async (argv, exit, code) => {
  const { cli } = await furnish('acme', [])
  expect(await cli(argv)).toMatchObject({ exit, out: '', err: expect.stringContaining(`(${code})`) })
})
