import { execFileSync } from 'node:child_process'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFolder } from '../../support/folders.js'
import { type S3Server, startS3 } from '../../support/s3.js'
import { atRate, firstTimes, S3Faults, SLOW_DOWN } from '../../support/s3-faults.js'
import { contentOf, MediaTenant, sha256 } from './media-tenant.js'

const AWAY_MS = 30_000

describe('the migration on bad days', () => {
  let s3: S3Server
  beforeAll(async () => {
    s3 = await startS3()
  })
  afterAll(() => s3[Symbol.asyncDispose]())

  /** A tenant of an installation of its own, whose way to the bucket has faults. */
  const furnish = async (files: number) => {
    const faults = await S3Faults.before(s3)
    const tenant = await MediaTenant.create({ FEEDCTL_DATA: temporaryFolder() }, faults.place, 'acme')
    tenant.writeMany(files)
    const expected = Object.fromEntries(
      Array.from({ length: files }, (_, index) => [`d${index % 5}/f${index}.jpg`, sha256(contentOf(index, 2_000))]),
    )
    return { faults, tenant, expected }
  }
  /** After the notes. */
  const errorIn = (err: string) => JSON.parse(err.trimEnd().split('\n').at(-1) ?? '').error
  const isPut = ({ method }: { method: string }) => method === 'PUT'

  it('slows down in a storm of 503s, and loses nothing', async () => {
    const { faults, tenant, expected } = await furnish(60)
    await using _ = faults
    faults.plan = atRate(0.3, SLOW_DOWN)
    const { exit, report } = await tenant.migrate()
    expect(exit).toBe(0)
    expect(report.files).toMatchObject({ total: 60, migrated: 60, failed: 0 })
    expect(report.concurrency.reasons).toContainEqual(expect.objectContaining({ why: '503 from the bucket' }))
    faults.plan = null
    expect(await tenant.objects()).toEqual(expected)
  })

  it('waits for a bucket that is away for 30 s, and goes on', { timeout: 180_000 }, async () => {
    const { faults, tenant, expected } = await furnish(60)
    await using _ = faults
    faults.plan = ({ method }) => {
      if (method === 'PUT' && faults.count('PUT') === 20) {
        faults.down = true
        setTimeout(() => {
          faults.down = false
        }, AWAY_MS)
      }
      return null
    }
    const { exit, report } = await tenant.migrate()
    expect([exit, report.files.migrated]).toEqual([0, 60])
    expect(await tenant.objects()).toEqual(expected)
  })

  it('says that the local disk is full, loses nothing, and goes on with room', async ({ skip }) => {
    const { faults, tenant, expected } = await furnish(300)
    await using _ = faults
    const data = tenant.env.FEEDCTL_DATA ?? ''
    const [spare, filler] = [temporaryFolder(), join(data, 'filler')]
    cpSync(data, spare, { recursive: true, preserveTimestamps: true })
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'feedctl-test', data], { stdio: 'pipe' })
    } catch {
      skip('this user may not mount a small disk')
    }
    onTestFinished(() => void execFileSync('umount', ['-l', data]))
    cpSync(spare, data, { recursive: true })
    expect(() => writeFileSync(filler, Buffer.alloc(4 * 1024 * 1024))).toThrow('ENOSPC')
    const full = await tenant.migrate()
    expect([full.exit, JSON.parse(full.err).error.code]).toEqual([5, 'DISK_FULL'])
    rmSync(filler)
    expect(await tenant.migrate()).toMatchObject({ exit: 0, report: { files: { total: 300, failed: 0 } } })
    expect(await tenant.objects()).toEqual(expected)
  })

  it('does not believe a wrong ETag, and sends such a file again', async () => {
    const { faults, tenant, expected } = await furnish(5)
    await using _ = faults
    faults.plan = firstTimes(2, { kind: 'wrong-etag' }, isPut)
    expect(await tenant.migrate()).toMatchObject({ exit: 0, report: { files: { migrated: 5 } } })
    expect(faults.count('PUT')).toBe(7)
    expect(await tenant.objects()).toEqual(expected)
  })

  it('asks again when answers are cut short, and takes a list that fails for no list', async () => {
    const { faults, tenant, expected } = await furnish(80)
    await using _ = faults
    faults.plan = firstTimes(
      2,
      { kind: 'truncate', bytes: 100 },
      ({ method, query }) => method === 'GET' && query.has('list-type'),
    )
    expect(await tenant.migrate()).toMatchObject({ exit: 0, report: { files: { migrated: 80, failed: 0 } } })
    expect(faults.count('PUT')).toBe(80)
    expect(await tenant.objects()).toEqual(expected)
  })

  it('sends a file again that is replaced while the others are sent', async () => {
    const { faults, tenant, expected } = await furnish(40)
    await using _ = faults
    let replaced = false
    faults.plan = ({ method, key }) => {
      if (method !== 'PUT' || replaced || !key.endsWith('d1/f1.jpg')) return null
      replaced = true
      writeFileSync(join(tenant.folder, 'd1/f1.jpg'), 'replaced')
      return null
    }
    expect(await tenant.migrate()).toMatchObject({ exit: 0, report: { files: { total: 40, migrated: 40, failed: 0 } } })
    expect(await tenant.objects()).toEqual({ ...expected, 'd1/f1.jpg': sha256('replaced') })
  })

  it('says that the bucket refuses everything, not how many files that came to', async () => {
    const { faults, tenant } = await furnish(50)
    await using _ = faults
    faults.plan = ({ method }) => (method === 'PUT' ? { kind: 'status', status: 403, code: 'AccessDenied' } : null)
    for (let run = 0; run < 2; run++) {
      const { exit, err, report } = await tenant.migrate()
      expect([exit, errorIn(err)]).toMatchObject([
        4,
        { code: 'BUCKET_REFUSED', message: expect.stringMatching(/^the bucket refused 20 requests in a row/) },
      ])
      expect(report.files.failed).toBe(19)
    }
  })

  it('one tenant that cannot be read is a part that failed, alone it is the failure, and a dry run says so too', async () => {
    const { faults, tenant } = await furnish(3)
    await using _ = faults
    const created = await tenant.cli(['tenant', 'create', 'broken', '--json'])
    writeFileSync(join(tenant.folder, '..', String(JSON.parse(created.out).tenant.id)), 'no folder')
    const all = (...argv: string[]) => tenant.cli(['media', 'migrate-to-wasabi', '--json', ...argv])
    const codeOf = ({ exit, err }: { exit: number | string; err: string }) => [exit, errorIn(err).code]
    expect(codeOf(await all('--all', '--dry-run'))).toEqual([6, 'PARTIAL'])
    expect(codeOf(await all('broken'))).toEqual([4, 'MEDIA_UNREADABLE'])
    const end = await all('--all')
    expect(codeOf(end)).toEqual([6, 'PARTIAL'])
    expect(JSON.parse(end.out).files.migrated).toBe(3)
  })

  it('keeps to the bandwidth limit', async () => {
    const { faults, tenant } = await furnish(30)
    await using _ = faults
    const begun = performance.now()
    expect(await tenant.migrate(['--bwlimit', '40k'])).toMatchObject({ exit: 0 })
    expect(performance.now() - begun).toBeGreaterThan(1_000)
  })
})
