import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Interruption } from '../../../src/cli/interruption.js'
import { Throttle } from '../../../src/media/throttle.js'
import { BinProcess } from '../../e2e/bin-process.js'
import { type CephGateway, startCeph } from '../../support/ceph.js'
import { temporaryFolder } from '../../support/folders.js'
import { S3Faults } from '../../support/s3-faults.js'
import { contentOf, MediaTenant, sha256 } from './media-tenant.js'

const FILES = 400
const BYTES = 20_000
const KILLS = 20
const IN_FLIGHT = 8
/** Of two parts of the smallest size there is. */
const LARGE_BYTES = 11 * 1024 * 1024

describe('the migration to a Ceph gateway', () => {
  let ceph: CephGateway
  beforeAll(async () => {
    ceph = await startCeph()
  })
  afterAll(() => ceph.dispose())

  const furnish = async (files: number) => {
    const place = await ceph.newBucket()
    const faults = await S3Faults.before(place)
    const tenant = await MediaTenant.create({ FEEDCTL_DATA: temporaryFolder() }, faults.place, 'acme')
    tenant.writeMany(files)
    return { faults, tenant, place }
  }

  it('reports an object that is refused for good, and does the rest', async () => {
    const { faults, tenant } = await furnish(10)
    await using _ = faults
    faults.plan = ({ key }) => (key.endsWith('f3.jpg') ? { kind: 'status', status: 403, code: 'AccessDenied' } : null)
    const { exit, report } = await tenant.migrate()
    expect([exit, report.files]).toMatchObject([6, { total: 10, migrated: 9, failed: 1 }])
    expect(report.failures).toMatchObject([{ name: 'd3/f3.jpg', code: 'BUCKET_REFUSED' }])
    faults.plan = null
    expect(await tenant.migrate()).toMatchObject({ exit: 0, report: { files: { migrated: 1, skipped: 9 } } })
  })

  it('stops when it is told to, says how far it came, and goes on without sending anything twice', async () => {
    const { faults, tenant, place } = await furnish(80)
    await using _ = faults
    const stop = new AbortController()
    faults.plan = ({ method }) => {
      if (method === 'PUT' && faults.count('PUT') === 20) stop.abort(new Interruption('SIGTERM'))
      return method === 'PUT' ? { kind: 'delay', ms: 20 } : null
    }
    const { exit, report } = await tenant.migrate(['--concurrency', '4'], {}, stop.signal)
    expect([exit, report.files.total]).toEqual([143, 80])
    faults.plan = null
    expect(await tenant.migrate()).toMatchObject({ exit: 0, report: { files: { migrated: 80 } } })
    expect(faults.count('PUT')).toBe(80)
    expect(Object.keys(await tenant.objects(place))).toHaveLength(80)
  })

  it('leaves no object of a tenant that is deleted meanwhile', async () => {
    const { faults, tenant, place } = await furnish(60)
    await using _ = faults
    const sent = new Promise<void>(resolve => {
      faults.plan = ({ method }) => {
        if (method === 'PUT') resolve()
        return method === 'PUT' ? { kind: 'delay', ms: 1_000 } : null
      }
    })
    const migrated = tenant.migrate(['--concurrency', '4'])
    await sent
    expect(await tenant.cli(['tenant', 'delete', 'acme', '--now', '--yes'])).toMatchObject({ exit: 0, err: '' })
    expect(await migrated).toMatchObject({ exit: 0, report: { failures: [] } })
    expect(await tenant.objects(place)).toEqual({})
  })

  it('killed at 20 random points ends with every object identical, and none sent twice but those in flight', async () => {
    const place = await ceph.newBucket()
    await using faults = await S3Faults.before(place)
    const tenant = await MediaTenant.create({ FEEDCTL_DATA: temporaryFolder() }, faults.place, 'acme')
    tenant.writeMany(FILES, BYTES)
    tenant.write(`${'ü'.repeat(127)}x`, 'a name of 255 bytes')
    tenant.write('large.mp4', contentOf(FILES, LARGE_BYTES))
    const env = { ...tenant.env, FEEDCTL_MEDIA_MULTIPART_MB: '5', FEEDCTL_MEDIA_PART_MB: '5' }
    // Every file waits a little, so that each process has something in flight whenever it is killed.
    faults.plan = ({ method }) => (method === 'PUT' ? { kind: 'delay', ms: 60 } : null)
    const argv = ['media', 'migrate-to-wasabi', '--all', '--concurrency', String(IN_FLIGHT), '--progress', 'none']
    let kills = 0
    for (; kills < KILLS; kills++) {
      await using run = new BinProcess(argv, env, tenant.folder)
      const sent = faults.count('PUT')
      const some = 1 + Math.floor(Math.random() * 30)
      const ended = run.ended.then(() => true)
      while (faults.count('PUT') < sent + some && !(await Promise.race([ended, pause(2, false)])));
      await run.end('SIGKILL')
    }
    faults.plan = null
    const { exit, report } = await tenant.migrate([], { FEEDCTL_MEDIA_MULTIPART_MB: '5', FEEDCTL_MEDIA_PART_MB: '5' })
    expect([exit, report.files.failed, report.files.total]).toEqual([0, 0, FILES + 2])
    const expected = Array.from({ length: FILES }, (_, index) => [`d${index % 5}/f${index}.jpg`, sha256(contentOf(index, BYTES))])
    expect(await tenant.objects(place)).toEqual({
      ...Object.fromEntries(expected),
      [`${'ü'.repeat(127)}x`]: sha256('a name of 255 bytes'),
      'large.mp4': sha256(contentOf(FILES, LARGE_BYTES)),
    })
    const wholes = faults.count('PUT', ({ query }) => !query.has('partNumber'))
    expect(wholes).toBeGreaterThanOrEqual(FILES + 1)
    expect(wholes).toBeLessThanOrEqual(FILES + 1 + KILLS * IN_FLIGHT)
    const again = await tenant.migrate()
    expect(again.report.files).toMatchObject({ migrated: 0, skipped: FILES + 2 })
  }, 300_000)

  it('pays each byte of large files once at a bandwidth limit, in parts too', async () => {
    const { faults, tenant, place } = await furnish(0)
    await using _ = faults
    const held = contentOf(1, 900_000)
    const parts = contentOf(2, 5_500_000)
    tenant.write('held.jpg', held)
    tenant.write('parts.mp4', parts)
    const take = vi.spyOn(Throttle.prototype, 'take')
    onTestFinished(() => take.mockRestore())
    const begun = performance.now()
    const env = { FEEDCTL_MEDIA_MULTIPART_MB: '5', FEEDCTL_MEDIA_PART_MB: '5' }
    expect(await tenant.migrate(['--bwlimit', '2M'], env)).toMatchObject({ exit: 0, report: { files: { migrated: 2 } } })
    const seconds = (performance.now() - begun) / 1_000
    // 6.4 MB at 2 MiB/s are 3 s.
    expect(seconds).toBeGreaterThan(2.5)
    const paid = take.mock.calls.reduce((sum, [bytes]) => sum + bytes, 0)
    expect(paid).toBeGreaterThanOrEqual(6_400_000)
    // 11.9 MB, if what is hashed were paid too.
    expect(paid).toBeLessThan(8_000_000)
    expect(await tenant.objects(place)).toEqual({ 'held.jpg': sha256(held), 'parts.mp4': sha256(parts) })
  })

  it('goes on when the gateway is stopped for seconds in the middle', async () => {
    const place = await ceph.newBucket()
    await using faults = await S3Faults.before(place)
    const tenant = await MediaTenant.create({ FEEDCTL_DATA: temporaryFolder() }, faults.place, 'acme')
    tenant.writeMany(100, BYTES)
    let stopped: Promise<void> | null = null
    const stopAndStart = async () => {
      await ceph.stop()
      await pause(3_000)
      await ceph.start()
    }
    faults.plan = ({ method }) => {
      if (method === 'PUT' && faults.count('PUT') === 30) stopped ??= stopAndStart()
      return null
    }
    const { exit, report } = await tenant.migrate()
    await stopped
    expect([exit, report.files.migrated]).toEqual([0, 100])
    expect(Object.keys(await tenant.objects(place))).toHaveLength(100)
  }, 90_000)
})
