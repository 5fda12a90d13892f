import type { Kysely, KyselyPlugin } from 'kysely'
import { expect, it } from 'vitest'
import { startDueSyncs } from '../../src/feeds/due.js'
import { failedTenants } from '../../src/feeds/failed-tenants.js'
import { eachActiveTenant } from '../../src/feeds/prune-jobs.js'
import { runReports } from '../../src/feeds/runs.js'
import { enqueueRun, type JobSender } from '../../src/feeds/sync.js'
import { pagesOfTenants } from '../../src/media/media-tenants.js'
import type { Catalog } from '../../src/tenants/catalog.js'
import { insertRows } from '../../src/tenants/databases/index.js'
import type { TenantId } from '../../src/tenants/ids.js'
import { migrateTenants } from '../../src/tenants/migrating/migrate.js'
import { forTenants, tenantsOnHost } from '../../src/tenants/moving/move-many.js'
import { planMove } from '../../src/tenants/moving/plan.js'
import { parseWish } from '../../src/tenants/moving/targets.js'
import { createTenants } from '../../src/tenants/provision.js'
import { removeDue } from '../../src/tenants/remove-due.js'
import { listTenants } from '../../src/tenants/tenant.js'
import { readPlacements } from '../../src/watch/placements.js'
import { readTenants } from '../../src/watch/tenants.js'
import { describeDatabases, openInstallation, removing, wish } from './installation.js'

const TENANTS = 2_300
/** A page, and the row that says that there are more. */
const MOST_ROWS = 1_001

describeDatabases('thousands of tenants', env => {
  const signal = new AbortController().signal
  const many = (start: string) => Array.from({ length: TENANTS }, (_, number) => wish(`${start}-${number}`, 'shared'))
  let isSeeded = false

  /** The catalog, and the most rows that any of its statements has answered with so far. */
  async function watched() {
    const { catalog, prefix } = await openInstallation(env)
    if (!isSeeded) await createTenants(catalog, prefix, many('t'), {})
    isSeeded = true
    const seen = { rows: 0 }
    const counting: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        seen.rows = Math.max(seen.rows, result.rows.length)
        return result
      },
    }
    const kysely = catalog.kysely.withPlugin(counting) as Kysely<never> as Catalog['kysely']
    return { catalog: { ...catalog, kysely, database: { ...catalog.database, kysely } }, prefix, seen }
  }

  it.each<[string, (catalog: Catalog, prefix: string) => Promise<number>]>([
    ['creating them', async (catalog, prefix) => (await createTenants(catalog, prefix, many('t'), {})).tenants.existing],
    ['syncing all', syncAll],
    ['beginning what is due', async catalog => (await startDueSyncs(catalog, sendNothing, { signal, jobTimeoutMs: 1_000 })).due],
    ['pruning all', pruneAll],
    ['listing them', listAll],
    ['looking through their media', lookThrough],
    ['moving all of a host', moveAll],
    ['migrating all', migrateAll],
  ])('%s reads no more than a page of them at a time', async (_deed, deed) => {
    const { catalog, prefix, seen } = await watched()
    await catalog.kysely.deleteFrom('run_tenants').execute()
    expect(await deed(catalog, prefix)).toBe(TENANTS)
    expect(seen.rows).toBeGreaterThan(0)
    expect(seen.rows).toBeLessThanOrEqual(MOST_ROWS)
  })

  it('are summed up by the database', async () => {
    const { catalog, seen } = await watched()
    expect(await readPlacements(catalog)).toEqual([{ kind: 'shared', host: 'default', tenants: TENANTS }])
    expect((await readTenants(catalog, Date.now())).active).toBe(TENANTS)
    for await (const _ of failedTenants(catalog)) expect.unreachable('none has failed')
    expect(seen.rows).toBeLessThanOrEqual(10)
  })

  it('that cannot be created are all counted, and the first thousand named', async () => {
    const { catalog, prefix } = await openInstallation(env)
    const claimed = { state: 'provisioning' as const, claimed_by: 'elsewhere:1:token', claimed_at: Date.now() }
    await catalog.kysely.updateTable('tenants').set(claimed).execute()
    const { tenants, failures } = await createTenants(catalog, prefix, many('t'), {})
    expect(tenants).toEqual({ total: TENANTS, created: 0, existing: 0, failed: TENANTS })
    expect(failures).toHaveLength(1_000)
  })

  it('that are due are removed a page at a time', async () => {
    const { catalog, seen } = await watched()
    const due = { state: 'deleting' as const, claimed_by: null, delete_after: 1 }
    await catalog.kysely.updateTable('tenants').set(due).where('slug', 'like', 't-2%').execute()
    // All of thousands would take minutes.
    const { removed, failures } = await removeDue(catalog, { ...removing(), signal })
    expect([removed, failures]).toEqual([411, []])
    expect(seen.rows).toBeGreaterThan(0)
    expect(seen.rows).toBeLessThanOrEqual(101)
  })

  /** To where they are. */
  async function moveAll(catalog: Catalog, prefix: string): Promise<number> {
    const options = { concurrency: 4, signal }
    const shared = parseWish('shared')
    const { tenants } = await forTenants(tenantsOnHost(catalog, 'default'), options, slug =>
      planMove(catalog, prefix, slug, shared),
    )
    expect(tenants.there).toBe(tenants.total)
    return tenants.total
  }

  /** As many databases as tenants, of an earlier feedctl, all of them gone. */
  async function migrateAll(catalog: Catalog, prefix: string): Promise<number> {
    const { id } = await catalog.kysely.selectFrom('hosts').select('id').executeTakeFirstOrThrow()
    const old = { host_id: id, kind: 'dedicated' as const, schema_version: 1, created_at: 1 }
    const rows = Array.from({ length: TENANTS }, (_, number) => ({ ...old, database_name: `${prefix}gone_${number}` }))
    await insertRows(catalog.database, 'placements', rows, 'keep')
    const options = { canary: 0, failureBudget: { count: TENANTS }, concurrency: 8 }
    const { databases } = await migrateTenants(catalog, { which: 'all', options, signal })
    await catalog.kysely.deleteFrom('placements').where('schema_version', '=', 1).execute()
    return databases.failed
  }

  async function syncAll(catalog: Catalog): Promise<number> {
    const { run, added } = await enqueueRun(catalog, SENDER, 'all', false)
    let reported = 0
    for await (const _ of runReports(catalog, run.runId)) reported++
    expect(reported).toBe(added)
    return added
  }

  async function pruneAll(catalog: Catalog): Promise<number> {
    let tenants = 0
    await eachActiveTenant(catalog, signal, async page => {
      tenants += page.length
    })
    return tenants
  }

  async function listAll(catalog: Catalog): Promise<number> {
    const slugs: string[] = []
    for (let after: string | null = ''; after !== null; ) {
      const page = await listTenants(catalog, { limit: 700, ...(after === '' ? {} : { after }) })
      slugs.push(...page.tenants.map(tenant => tenant.slug))
      after = page.next
    }
    expect(slugs).toEqual([...new Set(slugs)].sort())
    return slugs.length
  }

  async function lookThrough(catalog: Catalog): Promise<number> {
    let tenants = 0
    for await (const page of pagesOfTenants(catalog, 'all')) tenants += page.length
    return tenants
  }
})

const sendNothing = async (tenants: readonly TenantId[]) => ({ added: tenants.length, existing: 0, quarantined: [] })

const SENDER: JobSender = { here: false, send: sendNothing, consumers: async () => 0, settled: async () => {} }
