import { expect, it } from 'vitest'
import { Log } from '../../src/kernel/log.js'
import { ReadCounts } from '../../src/media/read-counts.js'
import type { Catalog } from '../../src/tenants/catalog.js'
import { parseTenantId } from '../../src/tenants/ids.js'
import { describeDatabases, openInstallation, tenantIn } from '../tenants/installation.js'

const NEVER_MS = 3_600_000

function readsIn(catalog: Catalog, tenantId: number) {
  const rows = catalog.kysely.selectFrom('media_reads').select(['disk', 'reads', 'last_at'])
  return rows.where('tenant_id', '=', tenantId).orderBy('disk').execute()
}

describeDatabases('reads of media', env => {
  it('are added up by tenant and disk, over processes', async () => {
    const { catalog, ...here } = await openInstallation(env)
    const acme = await tenantIn({ catalog, ...here }, 'acme')
    const globex = await tenantIn({ catalog, ...here }, 'globex')
    const processes = [1, 2, 3].map(() => new ReadCounts(catalog, new Log(() => {}), NEVER_MS))
    for (const [index, counts] of processes.entries()) {
      for (let read = 0; read < 10; read++) counts.count(acme.id, 'local', 1000 + index * 100 + read)
      counts.count(acme.id, 'wasabi', 5000 - index)
    }
    processes[0]?.count(globex.id, 'local', 7)
    await Promise.all(processes.map(counts => counts.flush()))
    await Promise.all(processes.map(counts => counts.close()))
    expect(await readsIn(catalog, acme.id)).toEqual([
      { disk: 'local', reads: 30, last_at: 1209 },
      { disk: 'wasabi', reads: 3, last_at: 5000 },
    ])
    expect(await readsIn(catalog, globex.id)).toEqual([{ disk: 'local', reads: 1, last_at: 7 }])
  })

  it('are written every so often', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'often')
    const counts = new ReadCounts(here.catalog, new Log(() => {}), 20)
    counts.count(tenant.id, 'wasabi', 1)
    await expect.poll(() => readsIn(here.catalog, tenant.id)).toEqual([{ disk: 'wasabi', reads: 1, last_at: 1 }])
    await counts.close()
  })

  it('leave nothing behind of a tenant that has been removed', async () => {
    const { catalog } = await openInstallation(env)
    const gone = parseTenantId(4711)
    const counts = new ReadCounts(catalog, new Log(() => {}), NEVER_MS)
    counts.count(gone, 'local')
    await counts.close()
    expect(await readsIn(catalog, gone)).toEqual([])
  })

  it('leave nothing behind of a tenant whose removal is under way', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'leaving')
    const counts = new ReadCounts(here.catalog, new Log(() => {}), NEVER_MS)
    counts.count(tenant.id, 'local')
    await here.catalog.kysely.updateTable('tenants').set({ state: 'deleting' }).where('id', '=', tenant.id).execute()
    await counts.close()
    expect(await readsIn(here.catalog, tenant.id)).toEqual([])
  })

  it('are kept while they cannot be written', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'kept')
    const lines: string[] = []
    const lost = { ...here.catalog, kysely: here.catalog.kysely.withSchema('nowhere') }
    const counts = new ReadCounts(lost, new Log(line => lines.push(line)), NEVER_MS)
    counts.count(tenant.id, 'local', 1)
    counts.count(tenant.id, 'local', 3)
    await counts.flush()
    await counts.flush()
    expect(lines).toEqual([expect.stringContaining('not yet written')])
    counts.count(tenant.id, 'local', 2)
    Object.assign(lost, { kysely: here.catalog.kysely })
    await counts.close()
    expect(await readsIn(here.catalog, tenant.id)).toEqual([{ disk: 'local', reads: 3, last_at: 3 }])
  })
})
