import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Check } from '../../src/doctor/check.js'
import { wasabiChecksums } from '../../src/doctor/checks/wasabi-answers.js'
import { wasabiConcurrency } from '../../src/doctor/checks/wasabi-concurrency.js'
import { examine } from '../../src/doctor/doctor.js'
import { loadConfig } from '../../src/kernel/config.js'
import { Log } from '../../src/kernel/log.js'
import { withTenant } from '../../src/tenants/tables.js'
import { temporaryFolder } from '../support/folders.js'
import { type S3Server, startS3 } from '../support/s3.js'
import { type FaultPlan, RATE_LIMITED, type S3Fault, S3Faults, type SeenRequest } from '../support/s3-faults.js'
import { openInstallation, tenantIn } from '../tenants/installation.js'
import { doctor } from './examined.js'
import { leftIn } from './wasabi-on-ceph.js'

let s3: S3Server
beforeAll(async () => {
  s3 = await startS3()
})
afterAll(() => s3[Symbol.asyncDispose]())

/** The doctor at a bucket with such a fault. */
async function doctorBehind(plan: FaultPlan | null) {
  const faults = await S3Faults.before(s3)
  onTestFinished(() => faults[Symbol.asyncDispose]())
  faults.plan = plan
  const examined = await doctor({ ...faults.place.env, FEEDCTL_DATA: temporaryFolder() })
  return { ...examined, faults }
}

/** What one check finds there. */
async function lookBehind(check: Check, plan: FaultPlan) {
  const faults = await S3Faults.before(s3)
  onTestFinished(() => faults[Symbol.asyncDispose]())
  faults.plan = plan
  const env = { ...faults.place.env, FEEDCTL_DATA: temporaryFolder() }
  const { config } = loadConfig({ env, envFile: '/nowhere', envFileNamed: false })
  const around = { config, log: new Log(() => {}), schedule: [], installedAt: 0, signal: new AbortController().signal }
  const [finding] = await examine(around, { checks: [check] })
  return { finding, faults }
}

const isRoundTrip = ({ method, key }: SeenRequest) => method === 'GET' && key.endsWith('round-trip')

describe('feedctl doctor at a bucket', () => {
  it('finds what a lax server lacks, with what helps, and leaves no object', async () => {
    const { of, out, err, exit } = await doctorBehind(null)
    for (const id of ['credentials', 'clock-skew', 'checksums', 'concurrency'])
      expect(of(`wasabi.${id}`), id).toMatchObject({ severity: 'ok', fix: null })
    // A busy machine's answers in more than two seconds, which is told of.
    const severity = expect.stringMatching(/^(ok|warn)$/)
    expect(of('wasabi.bucket')).toMatchObject({ severity, evidence: expect.stringContaining(' answers in ') })
    expect(of('wasabi.wrong-md5')).toMatchObject({ severity: 'warn', fix: expect.stringContaining('media verify') })
    expect(of('wasabi.list-parts')).toMatchObject({
      severity: 'warn',
      fix: expect.stringContaining('FEEDCTL_MEDIA_MULTIPART_MB'),
    })
    expect(of('wasabi.public-access')).toMatchObject({ severity: 'fail', fix: expect.stringContaining('ListBucket') })
    expect(exit).toBe(8)
    expect(out + err).not.toContain('S3RVER')
    expect(await leftIn(s3, false)).toEqual([])
  })

  it('removes what it put also when the server refuses in the middle', async () => {
    const refused: S3Fault = { kind: 'status', status: 403, code: 'AccessDenied' }
    const { finding, faults } = await lookBehind(wasabiChecksums, seen => (isRoundTrip(seen) ? refused : null))
    expect(finding).toMatchObject({ severity: 'fail', evidence: expect.stringContaining('GET: AccessDenied') })
    expect(faults.count('PUT')).toBe(1)
    expect(await leftIn(s3, false)).toEqual([])
  })

  it('finds content that comes back cut, and etags that are none of the content', async () => {
    const cut = await lookBehind(wasabiChecksums, seen => (isRoundTrip(seen) ? { kind: 'truncate', bytes: 9 } : null))
    expect(cut.finding).toMatchObject({ severity: 'fail', evidence: expect.stringContaining('cannot look') })
    const other = await lookBehind(wasabiChecksums, seen => (seen.method === 'PUT' ? { kind: 'wrong-etag' } : null))
    expect(other.finding).toMatchObject({ severity: 'warn', evidence: expect.stringContaining('not its MD5') })
  })

  it('names the concurrency from which on the bucket throttles', async () => {
    const plan: FaultPlan = ({ key }) => (/burst-(16|32)-/.test(key) ? RATE_LIMITED : null)
    const { finding } = await lookBehind(wasabiConcurrency, plan)
    expect(finding).toMatchObject({
      severity: 'ok',
      evidence: expect.stringMatching(/throttled at 16 and 32; best --concurrency [48],/),
    })
  })

  it.each([
    ['InvalidAccessKeyId', 403, 'wasabi.credentials', 'does not know the key'],
    ['RequestTimeTooSkewed', 403, 'wasabi.credentials', 'refuses requests of this time'],
    ['PermanentRedirect', 301, 'wasabi.bucket', 'in another region'],
    ['SlowDown', 503, 'wasabi.bucket', 'SlowDown 503'],
  ])('puts nothing where the answer is %s, and says what that means', async (code, status, id, words) => {
    const { of, exit, faults } = await doctorBehind(() => ({ kind: 'status', status, code }))
    expect(of(id)).toMatchObject({ severity: 'fail', evidence: expect.stringContaining(words) })
    expect(exit).toBe(8)
    expect(faults.seen.map(({ method }) => method)).toEqual(['GET'])
  })

  it('fails where the bucket is down, or its keys are missing, without a stack', async () => {
    const down = await doctor({ ...s3.env, WASABI_ENDPOINT: 'http://127.0.0.1:1', FEEDCTL_DATA: temporaryFolder() })
    expect(down.exit).toBe(8)
    for (const id of ['wasabi.credentials', 'wasabi.bucket', 'wasabi.checksums'])
      expect(down.of(id)).toMatchObject({ severity: 'fail', evidence: expect.stringContaining('ECONNREFUSED') })
    expect(JSON.parse(down.err).error.code).toBe('CHECK_FAILED')
    const keyless = await doctor({ FILESYSTEM_DISK: 'wasabi', WASABI_BUCKET: 'b', FEEDCTL_DATA: temporaryFolder() })
    expect(keyless.of('wasabi.credentials')).toMatchObject({
      severity: 'fail',
      fix: expect.stringContaining('WASABI_ACCESS_KEY_ID'),
    })
    const none = await doctor({ FILESYSTEM_DISK: 'wasabi', FEEDCTL_DATA: temporaryFolder() })
    expect(none.of('wasabi.bucket')).toMatchObject({ severity: 'fail', fix: expect.stringContaining('WASABI_BUCKET') })
  })
})

describe('feedctl doctor on the media of tenants', () => {
  it('finds files that failed, uploads that stand still, and copies that should be gone', async () => {
    const env = { ...s3.env, WASABI_ENDPOINT: 'http://127.0.0.1:1', FEEDCTL_DATA: temporaryFolder() }
    const place = await openInstallation(env)
    const tenant = await tenantIn(place, 'acme')
    const calm = await doctor(env)
    expect(calm.of('media.migration')).toMatchObject({ severity: 'ok', evidence: expect.stringContaining('0 files') })
    const row = (id: number, state: 'hashed' | 'uploading' | 'grace', more: object = {}) => ({
      ...{
        id,
        name: `n${id}`,
        name_hash: `h${id}`,
        state,
        state_at: 1,
        bytes: 1_000_000,
        sha256: null,
        md5: null,
        type: null,
        identity: null,
      },
      ...{ upload_id: null, parts: null, etag: null, attempts: 0, failure_code: null, failure_message: null, delete_after: null },
      ...{ created_at: 1, ...more },
    })
    await withTenant(place.catalog, tenant, tables =>
      tables.transaction(tx =>
        tx.insert('media', [
          row(1, 'hashed', { attempts: 3, failure_code: 'MEDIA_UNREADABLE', failure_message: 'EACCES' }),
          row(2, 'uploading'),
          row(3, 'grace', { delete_after: 1 }),
        ]),
      ),
    )
    const { of } = await doctor(env)
    expect(of('media.migration')).toMatchObject({
      severity: 'warn',
      evidence: expect.stringMatching(
        /^1 file failed, most with MEDIA_UNREADABLE; 1 upload begun .*; 1 local copy to be removed since/,
      ),
    })
    expect(of('media.local-space')?.evidence).toContain('1.0 MB of local copies are in the bucket too, never read there')
  })
})
