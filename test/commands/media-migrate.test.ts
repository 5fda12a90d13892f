import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MediaTenant } from '../media/migration/media-tenant.js'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'
import { type S3Server, startS3 } from '../support/s3.js'
import { S3Faults } from '../support/s3-faults.js'

describe('feedctl media migrate-to-wasabi, status, list and prune', () => {
  let s3: S3Server
  beforeAll(async () => {
    s3 = await startS3()
  })
  afterAll(() => s3[Symbol.asyncDispose]())
  const furnish = () => MediaTenant.create({ FEEDCTL_DATA: temporaryFolder() }, s3, 'acme')

  it.each<[string[], number, string]>([
    [['migrate-to-wasabi'], 2, 'USAGE'],
    [['migrate-to-wasabi', 'acme', '--all'], 2, 'USAGE'],
    [['migrate-to-wasabi', 'acme', '--grace', '7d'], 2, 'USAGE'],
    [['migrate-to-wasabi', 'acme', '--delete-local', '--grace', 'soon'], 2, 'USAGE'],
    [['migrate-to-wasabi', 'acme', '--concurrency', '0'], 2, 'USAGE'],
    [['migrate-to-wasabi', 'acme', '--bwlimit', 'fast'], 2, 'USAGE'],
    [['migrate-to-wasabi', 'acme', '--budget', 'much'], 2, 'USAGE'],
    [['migrate-to-wasabi', 'nobody'], 4, 'TENANT_NOT_FOUND'],
    [['migrate-to-wasabi', 'acme', '--budget', '1'], 4, 'BUDGET_EXCEEDED'],
    [['list', 'nobody'], 4, 'TENANT_NOT_FOUND'],
    [['prune', 'nobody'], 4, 'TENANT_NOT_FOUND'],
  ])('%j is refused, and sends nothing', async (argv, exit, code) => {
    const tenant = await furnish()
    tenant.write('a.jpg', 'a')
    expect(await tenant.cli(['media', ...argv])).toMatchObject({ exit, out: '', err: expect.stringContaining(`(${code})`) })
    expect(await tenant.objects()).toEqual({})
  })

  it('says which settings lead to a bucket where none is set', async () => {
    const { exit, err } = await runCli(['media', 'migrate-to-wasabi', '--all'], { env: { FEEDCTL_DATA: temporaryFolder() } })
    expect([exit, err]).toEqual([3, expect.stringMatching(/no bucket is set \(CONFIG_INVALID\)\n {2}try: set WASABI_BUCKET/)])
  })

  it('a dry run counts, prices and measures, and leaves nothing behind', async () => {
    const tenant = await furnish()
    tenant.writeMany(5, 10_000)
    tenant.write('small', 'x')
    const { exit, out } = await tenant.cli(['media', 'migrate-to-wasabi', '--all', '--dry-run', '--json'])
    expect(exit).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      dry_run: true,
      files: { total: 6, waiting: 6, skipped: 0, failed: 0 },
      bytes: { total: 50_001, waiting: 50_001 },
      small: { files: 1, bytes: 1, padded_bytes: 4095 },
      cost: { monthly_usd: 6.99, is_minimum: true, exposure_usd: expect.closeTo(20.97, 5), minimum_days: 90 },
      egress: null,
      estimate: { probed_files: 6, concurrency: 16, upload_ms: expect.any(Number) },
    })
    expect([await tenant.objects(), await tenant.states()]).toEqual([{}, {}])
  })

  it('a dry run of large files alone measures with their beginning', async () => {
    const tenant = await furnish()
    tenant.write('large.mp3', Buffer.alloc(1_500_000))
    const { out } = await tenant.cli(['media', 'migrate-to-wasabi', '--all', '--dry-run', '--json'])
    expect(JSON.parse(out)).toMatchObject({ estimate: { probed_files: 1, upload_ms: expect.any(Number) } })
    expect(await tenant.objects()).toEqual({})
  })

  it('the cost is that of all that the bucket will have, of other tenants and without local copies too', async () => {
    const tenant = await furnish()
    tenant.write('gone', 'x'.repeat(5_000))
    await tenant.migrate(['--delete-local', '--grace', '0m'])
    await tenant.cli(['media', 'prune'])
    await tenant.cli(['tenant', 'create', 'other'])
    tenant.write('here', 'x'.repeat(6_000))
    // A KB costs 1 USD.
    const env = { FEEDCTL_WASABI_USD_PER_TB: String(1024 ** 3), FEEDCTL_WASABI_MIN_TB: '0' }
    for (const [slug, monthly] of [
      ['other', 4.88],
      ['acme', 10.74],
    ] as const) {
      const { out } = await tenant.cli(['media', 'migrate-to-wasabi', slug, '--dry-run', '--json'], env)
      expect(JSON.parse(out)).toMatchObject({
        elsewhere: { files: 1, bytes: 5_000 },
        cost: { monthly_usd: expect.closeTo(monthly, 1) },
      })
    }
    expect(await tenant.migrate(['--budget', '8'], env)).toMatchObject({
      exit: 4,
      err: expect.stringContaining('10.74 USD a month'),
    })
  })

  it('local copies go after their grace, and only those that the bucket has and nobody changed', async () => {
    const tenant = await furnish()
    for (const name of ['kept', 'changed', 'lost']) tenant.write(name, `content of ${name}`)
    await tenant.migrate(['--delete-local', '--grace', '0m'])
    const status = JSON.parse((await tenant.cli(['media', 'status', '--json'])).out)
    expect(status).toMatchObject({
      states: { grace: { files: 3 } },
      due: { files: 3 },
      reads: { local: { reads: 0, last_at: null } },
    })
    expect(status.advice).toContain('the grace of 48 B is over: feedctl media prune')
    writeFileSync(join(tenant.folder, 'changed'), 'something else')
    await using faults = await S3Faults.before(s3)
    faults.plan = ({ key, query }) => {
      if (query.has('uploads')) return { kind: 'status', status: 403, code: 'AccessDenied' }
      return key.endsWith('/lost') ? { kind: 'wrong-etag' } : null
    }
    const { exit, out } = await tenant.cli(['media', 'prune', '--json'], faults.place.env)
    expect(exit).toBe(6)
    expect(JSON.parse(out)).toMatchObject({ files: { removed: 1, changed: 1 }, bytes: 15 })
    expect(JSON.parse(out).failures).toContainEqual(expect.objectContaining({ name: 'lost', code: 'MEDIA_CORRUPT' }))
    expect(await tenant.states()).toEqual({ kept: 'deleted', changed: 'seen', lost: 'hashed' })
    expect(['kept', 'changed', 'lost'].map(name => existsSync(join(tenant.folder, name)))).toEqual([false, true, true])
  })

  it('list pages in the order of ids, and by state', async () => {
    const tenant = await furnish()
    tenant.writeMany(3)
    await tenant.migrate()
    const page = async (...flags: string[]) => JSON.parse((await tenant.cli(['media', 'list', 'acme', '--json', ...flags])).out)
    const first = await page('--limit', '2')
    expect(first).toMatchObject({ tenant: 'acme', media: [{ id: 1 }, { id: 2, state: 'switched', type: 'image/jpeg' }], next: 2 })
    expect(await page('--after', '2')).toMatchObject({ media: [{ id: 3 }], next: null })
    expect((await page('--state', 'seen')).media).toEqual([])
  })
})
