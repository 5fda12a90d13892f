import { afterAll, beforeAll, expect, it } from 'vitest'
import { digest, files, StoredMedia } from '../media/stored-media.js'
import { runCli } from '../support/cli.js'
import { type S3Server, startS3 } from '../support/s3.js'
import { S3Faults, SLOW_DOWN } from '../support/s3-faults.js'
import { describeDatabases } from '../tenants/installation.js'

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

describeDatabases('feedctl media verify', (embedded, kind) => {
  // Of one bucket for all, since a bucket is cheap to share: each database has a prefix of its own.
  const settings = () => ({ ...embedded, ...faults.place.env, FEEDCTL_MEDIA_PREFIX: kind })
  const cli = (...argv: string[]) => runCli(['media', 'verify', ...argv], { env: settings() })
  const json = async (...argv: string[]) => {
    const result = await cli(...argv, '--json')
    return { ...result, report: JSON.parse(result.out) }
  }
  beforeAll(async () => {
    await runCli(['init'], { env: settings() })
  })

  it('finds every object as the journal says, in whatever state its file is', async () => {
    const media = await StoredMedia.open(settings())
    const tenant = await media.tenant('sound')
    const states = ['uploaded', 'verified', 'switched', 'grace', 'deleted'] as const
    await media.store(
      tenant,
      files(10).map((file, index) => ({ ...file, state: states[index % 5] as 'uploaded' })),
    )
    await media.store(tenant, [{ name: 'only here', content: Buffer.from('x'), state: 'hashed', object: null }])
    const { exit, report } = await json('sound')
    expect(exit).toBe(0)
    expect(report).toMatchObject({
      tenants: { total: 1, ok: 1, failed: 0, skipped: 0 },
      objects: { total: 10, ok: 10, missing: 0, differing: 0, unknown: 0, rehashed: 0 },
      bytes: 1000,
      failures: [],
    })
    expect((await cli('sound')).out).toMatch(
      /^verified 10 objects \(1\.0 kB\) of 1 tenant in .*\n {2}objects {2}10 ok, 0 missing, 0 differing\n/,
    )
  })

  it('tells what is missing, what differs by size or etag, and what no row knows, and exits 8', async () => {
    const media = await StoredMedia.open(settings())
    const tenant = await media.tenant('unsound')
    const content = Buffer.from('a picture')
    await media.store(tenant, [
      ...files(5),
      { name: 'gone.png', content, object: null },
      { name: 'longer.png', content, object: Buffer.from('a picture and more') },
      { name: 'other.png', content, object: Buffer.from('A PICTURE') },
    ])
    await media.putObject(tenant, 'nobody knows it', content)
    const { exit, err, report } = await json('unsound')
    expect(exit).toBe(8)
    expect(err).toContain('3 of 8 objects are not as the journal says')
    expect(report.objects).toMatchObject({ total: 8, ok: 5, missing: 1, differing: 2, unknown: 1 })
    expect(report.failures.toSorted((a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1))).toEqual([
      { tenant: 'unsound', name: 'gone.png', code: 'MEDIA_NOT_FOUND', message: 'the bucket has no such object' },
      { tenant: 'unsound', name: 'longer.png', code: 'MEDIA_CORRUPT', message: 'it has 18 bytes, not 9' },
      {
        tenant: 'unsound',
        name: 'other.png',
        code: 'MEDIA_CORRUPT',
        message: `its etag is ${digest('md5', Buffer.from('A PICTURE'))}, not ${digest('md5', content)}`,
      },
    ])
    const { out } = await cli('unsound')
    expect(out).toContain('unsound gone.png: the bucket has no such object')
    expect(out).toContain('1 object in the bucket that no row knows')
  })

  it('objects that no row knows are a note, and the neighbour’s are not among them', async () => {
    const media = await StoredMedia.open(settings())
    const [tenant, neighbour] = [await media.tenant('note'), await media.tenant('note-2')]
    await media.putObject(tenant, 'nobody knows it', Buffer.from('x'))
    await media.store(neighbour, files(2))
    const { exit, report } = await json('note')
    expect(exit).toBe(0)
    expect(report.objects).toMatchObject({ total: 0, unknown: 1 })
  })

  it('--full finds content that only its hash tells, and takes the same content under another etag for what it is', async () => {
    const media = await StoredMedia.open(settings())
    const tenant = await media.tenant('read')
    const [content, forged] = [Buffer.from('a picture'), Buffer.from('a forgery')]
    await media.store(tenant, [
      { name: 'forged', content, object: forged, etag: digest('md5', forged) },
      { name: 'in parts', content, etag: '0123456789abcdef0123456789abcdef-2' },
    ])
    expect((await json('read')).report.objects).toMatchObject({ ok: 1, differing: 1 })
    const { exit, report } = await json('read', '--full')
    expect(exit).toBe(8)
    expect(report).toMatchObject({ objects: { total: 2, ok: 1, differing: 1, rehashed: 2 }, rehashed_bytes: 18 })
    expect(report.failures).toEqual([
      {
        tenant: 'read',
        name: 'forged',
        code: 'MEDIA_CORRUPT',
        message: `its content has the SHA-256 ${digest('sha256', forged)}, not ${digest('sha256', content)}`,
      },
    ])
  })

  it('--sample reads about so many, the same ones for the same seed', async () => {
    const media = await StoredMedia.open(settings())
    await media.store(await media.tenant('sampled'), files(60))
    const read = async (...argv: string[]) => {
      faults.seen.length = 0
      const { report } = await json('sampled', '--sample', '25%', ...argv)
      const keys = faults.seen.filter(seen => seen.method === 'GET' && seen.key !== '').map(seen => seen.key)
      expect(report).toMatchObject({ objects: { total: 60, ok: 60, rehashed: keys.length }, sample: { percent: 25 } })
      return keys.toSorted()
    }
    const keys = await read('--seed', 'blue')
    expect(keys.length).toBeGreaterThan(4)
    expect(keys.length).toBeLessThan(30)
    expect(await read('--seed', 'blue')).toEqual(keys)
    expect(await read('--seed', 'green')).not.toEqual(keys)
  })

  it('a listing that fails is no missing object: exit 5, and nothing is said of the objects', async () => {
    const media = await StoredMedia.open(settings())
    const tenant = await media.tenant('unlisted')
    await media.store(tenant, files(3))
    faults.plan = seen => (seen.query.get('prefix') === `${kind}/${tenant.id}/` ? SLOW_DOWN : null)
    const { exit, report } = await json('unlisted')
    faults.plan = null
    expect(exit).toBe(5)
    expect(report).toMatchObject({ tenants: { ok: 0, failed: 1 }, objects: { total: 0, missing: 0 } })
    expect(report.failures).toMatchObject([{ tenant: 'unlisted', name: null, code: 'UNAVAILABLE' }])
  })

  it('an answer that was cut is read again', async () => {
    const media = await StoredMedia.open(settings())
    await media.store(await media.tenant('cut'), files(1, 50_000))
    let cuts = 2
    faults.plan = seen => (seen.method === 'GET' && seen.key !== '' && cuts-- > 0 ? { kind: 'truncate', bytes: 1000 } : null)
    const { exit, report } = await json('cut', '--full')
    faults.plan = null
    expect(report.objects).toMatchObject({ ok: 1, rehashed: 1 })
    expect(exit).toBe(0)
  })

  it('--all is every tenant, also a suspended one', async () => {
    const media = await StoredMedia.open(settings())
    const tenant = await media.tenant('asleep')
    await media.store(tenant, files(4))
    await runCli(['tenant', 'suspend', 'asleep'], { env: settings() })
    const before = (await json('--all')).report
    await media.removeObject(tenant, 'pictures/2.png')
    const { exit, report } = await json('--all')
    expect(exit).toBe(8)
    expect(report.tenants).toMatchObject({ total: before.tenants.total, failed: 0 })
    expect(report.objects.missing).toBe(before.objects.missing + 1)
  })

  it.each<[string[], number, string]>([
    [[], 2, 'USAGE'],
    [['acme', '--all'], 2, 'USAGE'],
    [['acme', '--full', '--sample', '3%'], 2, 'USAGE'],
    [['acme', '--sample', '0%'], 2, 'USAGE'],
    [['acme', '--sample', '101'], 2, 'USAGE'],
    [['--all', '--manifest', 'x'], 2, 'USAGE'],
    [['nobody'], 4, 'TENANT_NOT_FOUND'],
  ])('%j is refused', async (argv, exit, code) => {
    expect(await cli(...argv)).toMatchObject({ exit, err: expect.stringContaining(`(${code})`) })
  })

  it('needs a bucket', async () => {
    const { exit, err } = await runCli(['media', 'verify', '--all'], { env: embedded })
    expect(exit).toBe(3)
    expect(err).toContain('WASABI_BUCKET')
  })
})
