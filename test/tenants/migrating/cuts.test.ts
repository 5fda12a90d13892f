import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import pLimit from 'p-limit'
import { expect, it } from 'vitest'
import { describeSchema, differencesOf, ledgerOf, TENANT_MIGRATIONS } from '../../../src/tenants/databases/index.js'
import type { Tenant } from '../../../src/tenants/tenant.js'
import { upgradeDatabase } from '../../../src/tenants/upgrade.js'
import { describeDatabases, type Installation, openInstallation, tenantIn } from '../installation.js'
import { earlierTenant, on, urlsOf, versionOf } from './fleet.js'

const SCRIPT = fileURLToPath(new URL('cut-process.js', import.meta.url))
const AT_ONCE = 3
const VERSIONS = TENANT_MIGRATIONS.map(({ version }) => version)

describeDatabases('a migration whose process is killed', env => {
  const cut = (here: Installation, tenant: Tenant, killAfter: number) =>
    new Promise<{ killed: boolean; out: string }>((resolve, reject) => {
      const settings = { env, database: tenant.placement.database, catalogId: here.catalog.id, killAfter }
      execFile(process.execPath, [SCRIPT, JSON.stringify(settings)], { env: {} }, (error, out, err) => {
        const killed = error?.signal === 'SIGKILL'
        if (error !== null && !killed) reject(new Error(err))
        else resolve({ killed, out })
      })
    })
  const schemaOf = (here: Installation, tenant: Tenant) =>
    on(here, tenant, database => describeSchema(database, tenant.placement.database))

  it('after any of its statements is finished by the next: the same schema, and all rows', { timeout: 300_000 }, async () => {
    const here = await openInstallation(env)
    const expected = await schemaOf(here, await tenantIn(here, 'fresh'))
    const { killed, out } = await cut(here, await earlierTenant(here, 'whole'), 0)
    const statements = Number(out)
    expect([killed, statements > TENANT_MIGRATIONS.slice(1).flatMap(one => one[here.catalog.server.dialect]).length]).toEqual([
      false,
      true,
    ])
    const limit = pLimit(AT_ONCE)
    const checkCut = async (killAfter: number) => {
      const tenant = await earlierTenant(here, `cut-${killAfter}`)
      expect((await cut(here, tenant, killAfter)).killed, `statement ${killAfter}`).toBe(true)
      await upgradeDatabase(here.catalog, { ...tenant.placement, schemaVersion: tenant.schemaVersion })
      expect(differencesOf(await schemaOf(here, tenant), expected), `statement ${killAfter}`).toEqual([])
      expect((await on(here, tenant, ledgerOf)).map(row => row.version)).toEqual(VERSIONS)
      expect(await urlsOf(here, tenant)).toEqual(['https://1.example/', 'https://2.example/'])
      expect(await versionOf(here, tenant)).toBe(VERSIONS.at(-1))
      const residents = await on(here, tenant, ({ kysely }) =>
        kysely.selectFrom('residents').select('tenant_id').where('tenant_id', '=', tenant.id).execute(),
      )
      expect(residents).toEqual([{ tenant_id: tenant.id }])
    }
    await Promise.all(Array.from({ length: statements }, (_, index) => limit(() => checkCut(index + 1))))
  })
})
