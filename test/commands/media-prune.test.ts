import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Log } from '../../src/kernel/log.js'
import { openDisks } from '../../src/media/disks/index.js'
import { pruneMediaJob } from '../../src/media/prune-job.js'
import { withLock } from '../../src/tenants/locks.js'
import { withTenant } from '../../src/tenants/tables.js'
import { type StoredFile, StoredMedia } from '../media/stored-media.js'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'
import { type S3Server, startS3 } from '../support/s3.js'
import { type FaultPlan, S3Faults } from '../support/s3-faults.js'
import { openInstallation, tenantIn } from '../tenants/installation.js'

let s3: S3Server
let faults: S3Faults
beforeAll(async () => {
  s3 = await startS3()
  faults = await S3Faults.before(s3)
  faults.plan = noUploads
})
afterAll(async () => {
  await faults[Symbol.asyncDispose]()
  await s3[Symbol.asyncDispose]()
})

/** The server of these tests cannot list uploads. */
const noUploads: FaultPlan = ({ query }) =>
  query.has('uploads')
    ? { kind: 'answer', xml: '<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>' }
    : null

const graced = (...names: string[]): StoredFile[] =>
  names.map(name => ({ name, content: Buffer.from(`content of ${name}`), state: 'grace' }))

let installations = 0
/** An installation with a prefix of its own in the bucket; the grace of its files is over. */
async function furnish(stored: readonly StoredFile[]) {
  const env = { FEEDCTL_DATA: temporaryFolder(), ...faults.place.env, FEEDCTL_MEDIA_PREFIX: `prune${installations++}` }
  const media = await StoredMedia.open(env)
  const store = async (slug: string, files: readonly StoredFile[]) => {
    const tenant = await media.tenant(slug)
    await media.store(tenant, files)
    const over = (columns: object) =>
      withTenant(media.catalog, tenant, tables => tables.transaction(tx => tx.updateMedia().set(columns).execute()))
    await over({ delete_after: 1 })
    return { tenant, set: over, isHere: (name: string) => existsSync(media.pathOf(tenant, name)) }
  }
  const cli = (...argv: string[]) => runCli(['media', ...argv], { env })
  const prune = async (...argv: string[]) => {
    const result = await cli('prune', ...argv, '--json')
    return { ...result, report: result.out === '' ? null : JSON.parse(result.out) }
  }
  const acme = await store('acme', stored)
  const rows = async () => (await media.rows(acme.tenant)).map(({ state, identity, etag }) => ({ state, identity, etag }))
  return { env, media, cli, prune, store, rows, ...acme }
}

it('gives way to a migration or a rollback, and they to it', async () => {
  const { media, prune, isHere } = await furnish(graced('a'))
  await withLock(media.catalog, 'media migrate-to-wasabi', async () => {
    expect(await prune()).toMatchObject({ exit: 7, out: '' })
  })
  expect(isHere('a')).toBe(true)
  expect(await prune()).toMatchObject({ exit: 0, report: { files: { removed: 1 } } })
  expect(isHere('a')).toBe(false)
})

it('as a job it leaves a migration alone, and prunes when it has ended', async () => {
  const { env, media, isHere } = await furnish(graced('a'))
  const { config, catalog } = await openInstallation(env)
  const lines: string[] = []
  const log = new Log(line => void lines.push(line), 'info')
  const disks = await openDisks(config)
  const run = () => pruneMediaJob({ catalog, disks: async () => disks, log }, new AbortController().signal)
  await withLock(media.catalog, 'media migrate-to-wasabi', run)
  expect([isHere('a'), lines.join()]).toEqual([true, expect.stringContaining('left to the process that does it already')])
  await run()
  expect([isHere('a'), lines.join()]).toEqual([false, expect.stringContaining('local media removed')])
  await Promise.all([disks.local.close(), disks.wasabi?.close()])
})

it('leaves the file of a row alone that another moves at the same time', async () => {
  const { prune, isHere, set, rows } = await furnish(graced('a'))
  faults.plan = seen => {
    if (seen.method !== 'HEAD') return noUploads(seen)
    return { kind: 'delay', until: set({ state: 'hashed', delete_after: null }) }
  }
  const { exit, report } = await prune()
  faults.plan = noUploads
  expect([exit, report.files]).toEqual([0, { removed: 0, changed: 0, failed: 0 }])
  expect(isHere('a')).toBe(true)
  expect(await rows()).toMatchObject([{ state: 'hashed' }])
})

it('removes the file of a row that a killed run had claimed', async () => {
  const { prune, isHere, set, rows } = await furnish(graced('a', 'b'))
  await set({ state: 'deleted' })
  expect(await prune()).toMatchObject({ exit: 0, report: { files: { removed: 2, failed: 0 } } })
  expect([isHere('a'), isHere('b')]).toEqual([false, false])
  expect(await rows()).toMatchObject(new Array(2).fill({ state: 'deleted', identity: null }))
  expect((await prune()).report.files.removed).toBe(0)
})

it('leaves rollback to read the object of a row that a killed run had claimed', async () => {
  const { cli, set, isHere, rows } = await furnish(graced('a'))
  await set({ state: 'deleted' })
  let reads = 0
  faults.plan = seen => {
    if (seen.method === 'GET' && seen.key !== '' && seen.key.endsWith('/a')) reads++
    return noUploads(seen)
  }
  const { exit } = await cli('rollback', 'acme', '--yes')
  faults.plan = noUploads
  expect([exit, reads, isHere('a')]).toEqual([0, 1, true])
  expect(await rows()).toMatchObject([{ state: 'hashed' }])
})

it('is no failure of each file that the bucket refuses the keys', async () => {
  const { prune, isHere, rows } = await furnish(graced('a', 'b'))
  const before = await rows()
  faults.plan = seen => (seen.method === 'HEAD' ? { kind: 'status', status: 403, code: 'AccessDenied' } : noUploads(seen))
  const { exit } = await prune()
  faults.plan = noUploads
  expect(exit).toBe(4)
  expect([isHere('a'), isHere('b')]).toEqual([true, true])
  expect(await rows()).toEqual(before)
})

it('has an object that was lost uploaded again by the next migration', async () => {
  const { media, tenant, cli, prune, isHere, rows } = await furnish(graced('a', 'lost'))
  await media.removeObject(tenant, 'lost')
  const { exit, report } = await prune()
  expect(exit).toBe(6)
  expect(report).toMatchObject({ files: { removed: 1, failed: 1 }, failures: [{ name: 'lost', code: 'MEDIA_CORRUPT' }] })
  expect(isHere('lost')).toBe(true)
  expect((await rows())[1]).toMatchObject({ state: 'hashed', etag: null })
  expect((await prune()).exit).toBe(0)
  expect(JSON.parse((await cli('migrate-to-wasabi', 'acme', '--json')).out).files).toMatchObject({ migrated: 1, failed: 0 })
  expect((await cli('verify', 'acme')).exit).toBe(0)
})

it('verify has what was lost uploaded again too, and only where there is a local copy', async () => {
  const { media, tenant, cli, set, rows } = await furnish(graced('here', 'not here'))
  await set({ state: 'switched', delete_after: null })
  await withTenant(media.catalog, tenant, tables =>
    tables.transaction(tx => tx.updateMedia().set({ state: 'deleted', identity: null }).where('id', '=', 2).execute()),
  )
  rmSync(media.pathOf(tenant, 'not here'))
  for (const name of ['here', 'not here']) await media.removeObject(tenant, name)
  expect((await cli('verify', 'acme')).exit).toBe(8)
  expect(await rows()).toMatchObject([{ state: 'hashed', etag: null }, { state: 'deleted' }])
  expect(JSON.parse((await cli('migrate-to-wasabi', 'acme', '--json')).out).files).toMatchObject({ migrated: 1, failed: 0 })
  expect(JSON.parse((await cli('verify', 'acme', '--json')).out).objects).toMatchObject({ total: 2, ok: 1, missing: 1 })
})

it('takes no file for gone while the folder is away, and does the other tenants', async () => {
  const { media, tenant, prune, store, rows } = await furnish(graced('a'))
  const other = await store('other', graced('b'))
  const folder = media.pathOf(tenant, '.')
  renameSync(folder, `${dirname(folder)}/away`)
  const { exit, report } = await prune()
  expect(exit).toBe(5)
  expect(report).toMatchObject({ tenants: { total: 2, ok: 1, failed: 1 }, failures: [{ tenant: 'acme', code: 'UNAVAILABLE' }] })
  expect(await rows()).toMatchObject([{ state: 'grace' }])
  expect(other.isHere('b')).toBe(false)
})

it('every tenant is also a suspended one, for the migration and the status as well', async () => {
  const { env, media, tenant, cli, prune, isHere } = await furnish(graced('a'))
  await runCli(['tenant', 'suspend', 'acme'], { env })
  expect(await prune()).toMatchObject({ exit: 0, report: { files: { removed: 1 } } })
  expect(isHere('a')).toBe(false)
  writeFileSync(media.pathOf(tenant, 'new'), 'new')
  expect(JSON.parse((await cli('migrate-to-wasabi', '--all', '--json')).out).files).toMatchObject({ migrated: 1 })
  expect(JSON.parse((await cli('status', '--json')).out)).toMatchObject({ tenants: 1, states: { switched: { files: 1 } } })
})

it('goes on after a tenant whose database is away, and so does the status', async () => {
  const { env, cli, prune, isHere } = await furnish(graced('a'))
  const installation = await openInstallation(env)
  await tenantIn(installation, 'aaa', 'dedicated')
  const file = join(env.FEEDCTL_DATA, 'databases', 'tenant_aaa.db')
  for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
  writeFileSync(file, 'no database'.repeat(100))
  const { exit, report } = await prune()
  expect([exit, report.tenants]).toEqual([5, { total: 2, ok: 1, failed: 1, skipped: 0 }])
  expect(isHere('a')).toBe(false)
  const status = await cli('status', '--json')
  expect(status.exit).toBe(6)
  expect(JSON.parse(status.out)).toMatchObject({ tenants: 2, failures: [{ tenant: 'aaa' }], states: { deleted: { files: 1 } } })
})

it('is calm where no bucket is set, as a schedule runs it everywhere', async () => {
  const env = { FEEDCTL_DATA: temporaryFolder() }
  await runCli(['tenant', 'create', 'acme'], { env })
  expect(await runCli(['media', 'prune', '--quiet'], { env })).toMatchObject({ exit: 0, out: '', err: '' })
  expect(JSON.parse((await runCli(['media', 'prune', '--json'], { env })).out)).toMatchObject({ files: { removed: 0 } })
  expect((await runCli(['media', 'prune', 'acme'], { env })).exit).toBe(3)
})
