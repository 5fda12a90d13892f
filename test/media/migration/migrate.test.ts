import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseSlug } from '../../../src/tenants/ids.js'
import { withLock } from '../../../src/tenants/locks.js'
import { withTenant } from '../../../src/tenants/tables.js'
import { getTenant } from '../../../src/tenants/tenant.js'
import { type S3Server, startS3 } from '../../support/s3.js'
import { describeDatabases, openInstallation } from '../../tenants/installation.js'
import { contentOf, MediaTenant, sha256 } from './media-tenant.js'

const NOBODY = 65_534
const NAMES = [
  'caf\u00e9.jpg',
  'cafe\u0301.jpg',
  'a b  c.png',
  ' leading and trailing ',
  '1+1=2.gif',
  '100%25 %zz.webp',
  'two\nlines.txt',
  `${'x'.repeat(200)}.jpg`,
  'ünï/日本語/🎈.png',
  'quote\'"&<>?#;:@=,$!*().jpg',
  '.hidden',
  'back\\slash',
]

/** Root can read everything: for the deed this process is somebody else, who has these folders. */
async function asNobody<T>(folders: readonly string[], deed: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return deed()
  execFileSync('chown', ['-R', String(NOBODY), ...folders])
  process.seteuid?.(NOBODY)
  try {
    return await deed()
  } finally {
    process.seteuid?.(0)
  }
}

describeDatabases('the migration to the bucket', env => {
  let s3: S3Server
  beforeAll(async () => {
    s3 = await startS3()
  })
  afterAll(() => s3[Symbol.asyncDispose]())

  it('brings files of any name to the bucket, to the byte, and does nothing the second time', async () => {
    const tenant = await MediaTenant.create(env, s3, 'names')
    for (const name of NAMES) tenant.write(name, `content of ${name}`)
    tenant.write('empty', '')
    const first = await tenant.migrate()
    expect(first.exit).toBe(0)
    expect(first.report).toMatchObject({ files: { total: 13, migrated: 13, skipped: 0, failed: 0, vanished: 0 }, failures: [] })
    const expected = Object.fromEntries([...NAMES.map(name => [name, sha256(`content of ${name}`)]), ['empty', sha256('')]])
    expect(await tenant.objects()).toEqual(expected)
    expect(Object.values(await tenant.states())).toEqual(new Array(13).fill('switched'))
    const second = await tenant.migrate(['--resume'])
    expect(second.report).toMatchObject({ files: { total: 13, migrated: 0, skipped: 13, failed: 0 }, bytes: 0 })
  })

  it('reports names and files that cannot be, leaves links and its own files alone, and does the rest', async () => {
    const tenant = await MediaTenant.create(env, s3, 'odd')
    tenant.write('good.jpg', 'good')
    tenant.write(Buffer.from([0x62, 0xff, 0x64]), 'no text')
    tenant.write('.feedctl-tmp-1', 'in the making')
    symlinkSync('/etc/passwd', join(tenant.folder, 'link'))
    const { exit, report } = await tenant.migrate()
    expect(exit).toBe(6)
    expect(report).toMatchObject({ files: { total: 2, migrated: 1, failed: 1 }, ignored: 1 })
    expect(report.failures).toMatchObject([{ tenant: 'odd', name: 'b\\xffd', code: 'MEDIA_NAME_INVALID' }])
    expect(await tenant.objects()).toEqual({ 'good.jpg': sha256('good') })
  })

  it('reports a file that cannot be read, does the rest, and does it when it can', async () => {
    const tenant = await MediaTenant.create(env, s3, 'rights')
    tenant.write('good.jpg', 'good')
    tenant.write('secret.jpg', 'secret')
    chmodSync(join(tenant.folder, 'secret.jpg'), 0)
    expect(await asNobody([env.FEEDCTL_DATA ?? '', s3.folder], () => tenant.migrate())).toMatchObject({
      exit: 6,
      report: { failures: [{ name: 'secret.jpg', code: 'MEDIA_UNREADABLE' }] },
    })
    chmodSync(join(tenant.folder, 'secret.jpg'), 0o644)
    expect(await tenant.migrate()).toMatchObject({ exit: 0, report: { files: { migrated: 1, skipped: 1 } } })
  })

  it('notices a file that was changed, and one that was only touched is not sent again', async () => {
    const tenant = await MediaTenant.create(env, s3, 'changes')
    tenant.writeMany(3)
    await tenant.migrate()
    tenant.write('d1/f1.jpg', 'other content')
    writeFileSync(join(tenant.folder, 'd2/f2.jpg'), contentOf(2, 2_000))
    const before = statSync(join(tenant.folder, 'd2/f2.jpg')).mtimeMs
    expect(await tenant.migrate()).toMatchObject({ exit: 0, report: { files: { total: 3, migrated: 2, skipped: 1 } } })
    expect((await tenant.objects())['d1/f1.jpg']).toBe(sha256('other content'))
    expect(before).toBeGreaterThan(0)
  })

  it('goes on with rows that were left in any state', async () => {
    const tenant = await MediaTenant.create(env, s3, 'states')
    tenant.writeMany(8)
    await tenant.migrate()
    const { catalog } = await openInstallation(env)
    const row = await getTenant(catalog, parseSlug('states'))
    const states = ['seen', 'hashed', 'uploading', 'uploaded', 'verified', 'switched'] as const
    await withTenant(catalog, row, tables =>
      tables.transaction(async tx => {
        for (const [index, state] of states.entries()) {
          await tx
            .updateMedia()
            .set({ state })
            .where('id', '=', index + 1)
            .execute()
        }
      }),
    )
    expect(await tenant.migrate()).toMatchObject({ exit: 0, report: { files: { total: 8, migrated: 5, skipped: 3, failed: 0 } } })
    expect(new Set(Object.values(await tenant.states()))).toEqual(new Set(['switched']))
  })

  it('forgets a file that vanished before its turn, and keeps what only the bucket has', async () => {
    const tenant = await MediaTenant.create(env, s3, 'vanishes')
    tenant.writeMany(3)
    await tenant.migrate()
    const { catalog } = await openInstallation(env)
    const row = await getTenant(catalog, parseSlug('vanishes'))
    await withTenant(catalog, row, tables =>
      tables.transaction(async tx => {
        await tx.updateMedia().set({ state: 'seen', sha256: null, md5: null, etag: null }).where('id', '=', 1).execute()
        await tx.updateMedia().set({ state: 'seen' }).where('id', '=', 2).execute()
      }),
    )
    rmSync(tenant.folder, { recursive: true })
    const before = await tenant.states()
    expect(await tenant.migrate()).toMatchObject({ report: { failures: [{ name: null, code: 'UNAVAILABLE' }] } })
    expect(await tenant.states()).toEqual(before)
    mkdirSync(tenant.folder)
    expect(await tenant.migrate()).toMatchObject({ exit: 0, report: { files: { total: 0, migrated: 0, vanished: 2 } } })
    expect(Object.values(await tenant.states()).sort()).toEqual(['deleted', 'switched'])
  })

  it('gives way to another, and names it', async () => {
    const tenant = await MediaTenant.create(env, s3, 'twice')
    tenant.write('one.jpg', 'one')
    const { catalog } = await openInstallation(env)
    await withLock(catalog, 'media migrate-to-wasabi', async () => {
      expect(await tenant.migrate()).toMatchObject({ exit: 7, err: expect.stringContaining(`pid ${process.pid}`) })
      expect((await tenant.migrate(['--dry-run'])).exit).toBe(0)
    })
    expect(await tenant.objects()).toEqual({})
  })
})
