import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../src/kernel/config.js'
import type { Bucket } from '../../src/media/disks/driver.js'
import { openDisks } from '../../src/media/disks/index.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { calm, key, namesIn, put } from '../media/disks/bytes.js'
import { type CephGateway, startCeph } from '../support/ceph.js'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'
import { openInstallation } from '../tenants/installation.js'

// The small server of the other tests lists no folders.
let ceph: CephGateway
beforeAll(async () => {
  ceph = await startCeph()
})
afterAll(() => ceph?.dispose())

it('objects in the bucket of tenants that are gone are found, and removed where a receipt says whose they were', async () => {
  const env = { ...(await ceph.newBucket()).env, FEEDCTL_DATA: temporaryFolder() }
  const finding = async (...flags: string[]) => {
    const { findings } = JSON.parse((await runCli(['doctor', ...flags, '--json'], { env })).out)
    return (findings as { id: string; evidence: string }[]).find(({ id }) => id === 'orphans.objects')?.evidence
  }
  for (const slug of ['alive', 'gone']) await runCli(['tenant', 'create', slug], { env })
  const { catalog } = await openInstallation(env)
  const [alive, gone] = await Promise.all(['alive', 'gone'].map(slug => getTenant(catalog, parseSlug(slug))))
  expect((await runCli(['tenant', 'delete', 'gone', '--now', '--yes'], { env })).exit).toBe(0)
  expect(await finding()).toBe('nothing is left of tenants that are gone')
  const { config } = loadConfig({ env, envFile: '/nowhere', envFileNamed: false })
  const { wasabi } = await openDisks(config)
  const bucket = wasabi as Bucket
  for (const id of [alive?.id ?? 0, gone?.id ?? 0, 999_999]) await put(bucket, key(id, 'a b/ä.png'), 'bytes')
  const tenants: number[] = []
  for await (const page of bucket.tenants(calm)) tenants.push(...page)
  expect(tenants).toEqual([alive?.id, gone?.id, 999_999])
  expect(await finding()).toBe(`2 tenants without a tenant: objects of tenant ${gone?.id}, objects of tenant 999999`)
  // Of the other no receipt says that it was ever this installation's.
  expect(await finding('--fix', '--yes')).toBe('1 tenant without a tenant: objects of tenant 999999')
  expect([await namesIn(bucket, alive?.id ?? 0), await namesIn(bucket, gone?.id ?? 0)]).toEqual([['a b/ä.png'], []])
  await bucket.close()
})
