import { holderIsGone } from '../../kernel/holder.js'
import { lastRun, type MigrationRun, wasReached } from '../../tenants/migrating/ledger.js'
import { readStanding, type Standing } from '../../tenants/migrating/standing.js'
import { TENANT_SCHEMA_VERSION } from '../../tenants/upgrade.js'
import { type Check, fail, ok, type Verdict, warn } from '../check.js'
import { counted } from '../words.js'

export const tenantsSchema: Check = {
  id: 'tenants.schema',
  run: async parts => {
    const catalog = await parts.catalog()
    if (catalog === null) return ok('no tenants yet')
    const standing = await readStanding(catalog, TENANT_SCHEMA_VERSION)
    const bySelf = catalog.upgradesAtFirstUse || (await wasReached(catalog, TENANT_SCHEMA_VERSION))
    return judgeTenantSchemas(standing, await lastRun(catalog), bySelf)
  },
}

/** `bySelf`: the first use of a tenant brings its database up to date. */
export function judgeTenantSchemas({ latest, databases }: Standing, run: MigrationRun | null, bySelf: boolean): Verdict {
  if (databases.ahead > 0)
    return fail(`${counted(databases.ahead, 'database')} of tenants ahead of schema ${latest}`, 'upgrade feedctl')
  if (run !== null && isLeftOff(run) && databases.behind > 0)
    return fail(
      `the last migration stopped, ${counted(databases.behind, 'database')} of tenants behind schema ${latest}`,
      'feedctl tenant migrate --resume, which says of each why it failed',
    )
  if (databases.behind === 0) return ok(`${counted(databases.total, 'database')} of tenants with schema ${latest}`)
  const evidence = `${counted(databases.behind, 'database')} of ${databases.total} of tenants behind schema ${latest}`
  const isMigrating = run?.state === 'running'
  if (bySelf || isMigrating)
    return warn(
      `${evidence}; ${isMigrating ? 'a migration runs' : 'their next use upgrades them'}`,
      'feedctl tenant migrate --all',
    )
  return fail(`${evidence}: they are not served`, 'feedctl tenant migrate --all')
}

function isLeftOff({ state, holder }: MigrationRun): boolean {
  return state === 'stopped' || (state === 'running' && holderIsGone(holder))
}
