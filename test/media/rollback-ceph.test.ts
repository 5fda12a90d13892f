import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { mediaKey, parseMediaName } from '../../src/media/names.js'
import { emptyTally, verifyTenant } from '../../src/media/verify/verify-tenant.js'
import { type TenantTables, withTenant } from '../../src/tenants/tables.js'
import { type CephGateway, startCeph } from '../support/ceph.js'
import { runCli } from '../support/cli.js'
import { dropDatabases, sharedMariadbEnv } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'
import { bucketAt } from './disks/buckets.js'
import { digest, StoredMedia } from './stored-media.js'

let ceph: CephGateway
const databases = sharedMariadbEnv()
beforeAll(async () => {
  ceph = await startCeph()
})
afterAll(async () => {
  await ceph.dispose()
  await dropDatabases(databases)
})

const ODD = [
  'with spaces .png',
  ' ',
  'plus+and%20percent%.png',
  'new\nline',
  'caf\u00e9.png',
  'cafe\u0301.png',
  `${'\u00e9'.repeat(126)}.gz`,
  'x'.repeat(255),
  'quote"\'`$(){}[]<>|&;*?#~^\\.png',
  'deep/er/and deeper/\u{1f600}.png',
  '-rf',
  '\u202eturned',
]

it('verifies and rolls back names and sizes of all kinds to the byte, pages and parts included', async () => {
  const place = await ceph.newBucket()
  const env = {
    ...databases,
    FEEDCTL_DATA: temporaryFolder(),
    ...place.env,
    FEEDCTL_MEDIA_MULTIPART_MB: '5',
    FEEDCTL_MEDIA_PART_MB: '5',
  }
  const cli = async (...argv: string[]) => {
    const { exit, out } = await runCli(['media', ...argv, '--json'], { env })
    return { exit, report: JSON.parse(out) }
  }
  await runCli(['init'], { env })
  const media = await StoredMedia.open(env)
  const tenant = await media.tenant('odd')
  const odd = ODD.map((name, index) => ({ name, content: randomBytes(index * 997) }))
  const large = { name: 'large', content: randomBytes(11 * 1024 * 1024) }
  await media.store(tenant, odd)
  const source = {
    bytes: large.content.length,
    whole: null,
    open: (from: number, to: number) => Readable.from([large.content.subarray(from, to)]),
  }
  const facts = { type: 'video/mp4', md5: digest('md5', large.content), sha256: digest('sha256', large.content) }
  const journal = { begun: null, note: async () => {} }
  const key = mediaKey(tenant.id, parseMediaName(large.name))
  const { etag } = await media.bucket.upload(key, source, facts, journal, new AbortController().signal)
  expect(etag).toMatch(/-3$/)
  await media.store(tenant, [{ ...large, object: null, etag }])

  const all = odd.length + 1
  const sound = { exit: 0, report: { objects: { total: all, ok: all, missing: 0, differing: 0, unknown: 0 } } }
  expect(await cli('verify', 'odd')).toMatchObject(sound)
  expect(await cli('verify', 'odd', '--full')).toMatchObject(sound)
  const tally = emptyTally()
  const bucket = bucketAt(place, { pageSize: 3 })
  const journalOf = <T>(deed: (tables: TenantTables) => Promise<T>) => withTenant(media.catalog, tenant, deed)
  const { signal } = new AbortController()
  const options = { share: 0, seed: '', etags: 'decide', signal, found: () => {}, progress: () => {} } as const
  await verifyTenant({ tenantId: tenant.id, bucket, journal: journalOf }, tally, options)
  await bucket.close()
  expect(tally).toMatchObject(sound.report.objects)

  const rolledBack = await cli('rollback', 'odd', '--yes')
  expect(rolledBack).toMatchObject({ exit: 0, report: { files: { total: all, restored: all, failed: 0 } } })
  for (const { name, content } of [...odd, large]) expect(readFileSync(media.pathOf(tenant, name)).equals(content)).toBe(true)
  expect(readdirSync(media.pathOf(tenant, '.'))).toHaveLength(ODD.length + 1)
  expect((await media.rows(tenant)).every(row => row.state === 'hashed' && row.identity !== null && row.etag !== null)).toBe(true)
})
