import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { addHost, setHostState } from '../../../src/tenants/hosts/changing.js'
import { removeHost } from '../../../src/tenants/hosts/removing.js'
import { moveTenant } from '../../../src/tenants/moving/move.js'
import { parseWish } from '../../../src/tenants/moving/targets.js'
import { dropSpares, keepSpares } from '../../../src/tenants/spares/keep.js'
import { secondHost } from '../../support/second-host.js'
import { describeDatabases, openInstallation, tenantIn } from '../installation.js'

describeDatabases('the removal of a host', (env, kind) => {
  const second = secondHost(kind)

  test('waits for every move from or to it that is not ended, and then leaves nothing of it', async () => {
    const here = await openInstallation(second.with(env, 'second'))
    const { catalog, config, prefix } = here
    await addHost(catalog, config, 'second', { address: second.address, weight: 0 })
    const tenant = await tenantIn(here, 'moved')
    const options = { keepMs: 86_400_000, signal: new AbortController().signal }
    await moveTenant(catalog, prefix, tenant.slug, parseWish('second'), options)
    await moveTenant(catalog, prefix, tenant.slug, parseWish('default'), options)
    await setHostState(catalog, 'second', 'draining')
    for (const state of ['copying', 'undoing', 'switched', 'finishing'] as const) {
      await catalog.kysely.updateTable('moves').set({ state }).where('tenant_id', '=', tenant.id).execute()
      const refused = await removeHost(catalog, 'second').catch(error => error)
      expect([state, refused.code]).toEqual([state, 'HOST_IN_USE'])
    }
    await catalog.kysely.updateTable('moves').set({ state: 'finished' }).where('tenant_id', '=', tenant.id).execute()
    expect(await removeHost(catalog, 'second')).toEqual({ name: 'second', databases: 1 })
    const left = await catalog.kysely
      .selectFrom('placements')
      .innerJoin('hosts', 'hosts.id', 'placements.host_id')
      .select('hosts.name')
      .execute()
    expect(new Set(left.map(({ name }) => name))).toEqual(new Set(['default']))
    if (kind !== 'sqlite') return
    expect(existsSync(join(second.address, '.feedctl-host'))).toBe(false)
    expect(await addHost(catalog, config, 'third', { address: second.address })).toMatchObject({ name: 'third' })
  })

  test('waits for spare databases that a killed filling left, which have no tables by the catalog', async () => {
    const here = await openInstallation(second.with(env, 'spares'))
    const { catalog, config, prefix } = here
    const address = kind === 'sqlite' ? `${second.address}-spares` : second.address
    await addHost(catalog, config, 'spares', { address, weight: 1_000_000 })
    await catalog.kysely.updateTable('hosts').set({ weight: 0 }).where('name', '=', 'default').execute()
    const signal = new AbortController().signal
    await keepSpares(catalog, prefix, 2, { signal })
    await catalog.kysely.updateTable('placements').set({ schema_version: 0 }).where('kind', '=', 'spare').execute()
    await setHostState(catalog, 'spares', 'draining')
    await expect(removeHost(catalog, 'spares')).rejects.toMatchObject({
      code: 'HOST_IN_USE',
      message: '2 spare databases on spares are not made to the end',
      hint: expect.stringContaining('feedctl tenant spare --drop --yes'),
    })
    expect(await (await catalog.hosts.serverOf('spares')).names(prefix)).toHaveLength(2)
    const serverOf = await catalog.hosts.serverOf('spares')
    await dropSpares(catalog, { signal })
    expect(await removeHost(catalog, 'spares')).toEqual({ name: 'spares', databases: 0 })
    expect(await serverOf.names(prefix).catch(() => [])).toEqual([])
  })
})
