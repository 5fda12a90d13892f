import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import { newHolder, thisMachine } from '../../src/kernel/holder.js'
import { Log } from '../../src/kernel/log.js'
import { claimTenants } from '../../src/tenants/claim.js'
import { insertRows } from '../../src/tenants/databases/index.js'
import { parseSlug, type TenantId } from '../../src/tenants/ids.js'
import { withLock } from '../../src/tenants/locks.js'
import { forgetVacated } from '../../src/tenants/removal/vacated.js'
import { beginRemovals, markDeleted, type RemovalReceipt, removeTenant, removeWaiting } from '../../src/tenants/removal.js'
import { removeDue, removeDueTenants } from '../../src/tenants/remove-due.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { describeDatabases, type Installation, noMedia, openInstallation, removing, tenantIn, wish } from './installation.js'
import { atUpdate } from './interleaving.js'

const NEVER = new AbortController().signal
const HOUR_MS = 3_600_000
const terms = (signal = NEVER) => ({ ...removing(), signal, receiptDays: 0 })

const vacatedAt = ({ catalog }: Installation, id: number) =>
  catalog.kysely.selectFrom('placements').select('vacated_at').where('id', '=', id).executeTakeFirst()

/** Where the server keeps its files. */
async function filesOf({ catalog, config }: Installation, name: string): Promise<string> {
  if (catalog.server.dialect === 'sqlite') return join(config.data, 'databases', name)
  const { rows } = await sql<{ folder: string }>`select @@datadir as folder`.execute(catalog.kysely)
  return join(rows[0]?.folder ?? '', name)
}

describeDatabases('the removal of deleted tenants', (env, kind) => {
  const deleted = async (here: Installation, slug: string, inMs: number) => {
    await tenantIn(here, slug)
    await markDeleted(here.catalog, parseSlug(slug), Date.now() + inMs)
  }
  const isThere = ({ catalog }: Installation, slug: string) =>
    getTenant(catalog, parseSlug(slug)).then(
      () => true,
      () => false,
    )

  it('takes those whose grace is over, logs each, and leaves the others', async () => {
    const here = await openInstallation(env)
    await deleted(here, 'due', -1)
    await deleted(here, 'due-2', -1)
    await deleted(here, 'graced', HOUR_MS)
    await tenantIn(here, 'active')
    const lines: string[] = []
    await removeDueTenants(here.catalog, new Log(line => lines.push(line), 'info'), terms())
    expect(await Promise.all(['due', 'due-2', 'graced', 'active'].map(slug => isThere(here, slug)))).toEqual([
      false,
      false,
      true,
      true,
    ])
    expect(lines.filter(line => line.includes('removed a deleted tenant')).map(line => line.match(/tenant="(.*)"/)?.[1])).toEqual(
      ['due', 'due-2'],
    )
    await removeDueTenants(here.catalog, new Log(() => {}), terms())
  })

  it('goes on after one that failed, names it, and is PARTIAL at the end', async () => {
    const here = await openInstallation(env)
    await deleted(here, 'broken', -1)
    await deleted(here, 'whole', -1)
    const drop = here.catalog.server.drop.bind(here.catalog.server)
    const { database } = (await getTenant(here.catalog, parseSlug('broken'))).placement
    here.catalog.server.drop = async name => {
      if (name !== database) return drop(name)
      const { Failure } = await import('../../src/kernel/errors.js')
      throw new Failure('UNAVAILABLE', 'the host is away')
    }
    const lines: string[] = []
    await expect(removeDueTenants(here.catalog, new Log(line => lines.push(line)), terms())).rejects.toMatchObject({
      code: 'PARTIAL',
      message: '1 of 2 deleted tenants could not be removed',
    })
    expect(lines.join()).toMatch(/warn .*tenant="broken" code="UNAVAILABLE"/)
    expect([await isThere(here, 'broken'), await isThere(here, 'whole')]).toEqual([true, false])
    here.catalog.server.drop = drop
    const gone: string[] = []
    await removeDue(here.catalog, { ...terms(), removed: receipt => gone.push(receipt.slug) })
    expect(gone).toEqual(['broken'])
  })

  it('goes on after one that shows a bug: the others have their receipts, whether they came before or after', async () => {
    const here = await openInstallation(env)
    for (const slug of ['bug-1', 'bug-2', 'bug-3']) await deleted(here, slug, -1)
    const { parts } = removing(async (tenant, terms) => {
      if (tenant.slug === 'bug-2') throw new TypeError('a bug')
      return noMedia(tenant, terms)
    })
    const gone: string[] = []
    const bugs: unknown[] = []
    const onBug = (error: unknown) => bugs.push(error)
    const due = await removeDue(here.catalog, { ...terms(), parts, removed: ({ slug }) => gone.push(slug), onBug })
    expect(due).toEqual({ removed: 2, failures: [{ tenant: 'bug-2', code: 'BUG', message: 'a bug' }] })
    expect(bugs).toEqual([new TypeError('a bug')])
    expect(gone).toEqual(['bug-1', 'bug-3'])
    const lines: string[] = []
    const again = removeDueTenants(here.catalog, new Log(line => lines.push(line)), { ...terms(), parts })
    await expect(again).rejects.toThrow(new TypeError('a bug'))
    expect(lines.join()).toMatch(/warn .*tenant="bug-2" code="BUG" why="a bug"/)
    expect(await removeDue(here.catalog, terms())).toEqual({ removed: 1, failures: [] })
  })

  it('names one whose database cannot be dropped, and removes it when nothing is in the way any more', async () => {
    const here = await openInstallation(env)
    for (const slug of ['in-the-way', 'not-in-the-way']) await deleted(here, slug, -1)
    const { database } = (await getTenant(here.catalog, parseSlug('in-the-way'))).placement
    const inTheWay = await filesOf(here, `${database}${kind === 'mysql' ? '/stray' : '.db-wal'}`)
    await here.catalog.server.close()
    rmSync(inTheWay, { force: true })
    mkdirSync(inTheWay)
    const { catalog } = await openInstallation(env)
    expect(await removeDue(catalog, terms())).toMatchObject({
      removed: 1,
      failures: [{ tenant: 'in-the-way', code: 'UNAVAILABLE' }],
    })
    rmdirSync(inTheWay)
    expect(await removeDue(catalog, terms())).toMatchObject({ removed: 1, failures: [] })
    expect(await catalog.server.has(database)).toBe(false)
  })

  it('removes one whose tables are damaged with its database', async () => {
    const here = await openInstallation(env)
    await deleted(here, 'damaged', -1)
    const { database } = (await getTenant(here.catalog, parseSlug('damaged'))).placement
    const file = await filesOf(here, `${database}${kind === 'mysql' ? '/feeds.frm' : '.db'}`)
    if (kind === 'mysql') await sql`flush tables ${sql.id(database, 'feeds')}`.execute(here.catalog.kysely)
    await here.catalog.server.close()
    rmSync(`${file}-wal`, { force: true })
    writeFileSync(file, 'no table'.repeat(1_000))
    const { catalog } = await openInstallation(env)
    const receipts: RemovalReceipt[] = []
    const due = await removeDue(catalog, { ...terms(), removed: receipt => receipts.push(receipt) })
    expect(due).toEqual({ removed: 1, failures: [] })
    expect(receipts).toMatchObject([{ slug: 'damaged', feeds: null }])
    expect(await catalog.server.has(database)).toBe(false)
  })

  it('stops between two tenants, and does nothing while another process removes them', async () => {
    const here = await openInstallation(env)
    await deleted(here, 'later', -1)
    const stop = AbortSignal.abort(new Error('stop'))
    await expect(removeDueTenants(here.catalog, new Log(() => {}), terms(stop))).rejects.toThrow('stop')
    await withLock(here.catalog, 'removal of deleted tenants', () => removeDueTenants(here.catalog, new Log(() => {}), terms()))
    expect(await isThere(here, 'later')).toBe(true)
  })

  it('forgets moves and migrations that ended long ago, but for those that are asked for', async () => {
    const here = await openInstallation(env)
    const { kysely, database } = here.catalog
    const [old, now] = [Date.now() - 30 * 24 * HOUR_MS, Date.now()]
    const move = {
      tenant_id: 7_001,
      from_placement_id: 1,
      to_placement_id: 2,
      state: 'finished' as const,
      started_at: 1,
      updated_at: 1,
    }
    await insertRows(
      database,
      'moves',
      [old, now].map(ended_at => ({ ...move, ended_at })),
    )
    await insertRows(database, 'moves', [{ ...move, state: 'switched' as const, ended_at: null }])
    const run = { options: '{}', holder: newHolder(), to_version: 5 }
    const gone = `${thisMachine()}:999999999:x`
    await insertRows(database, 'migration_runs', [
      { ...run, id: 'reached', scope: 'all', state: 'done', to_version: 6, started_at: old - 3, ended_at: old },
      { ...run, id: 'before', scope: 'all', state: 'done', started_at: old - 4, ended_at: old },
      { ...run, id: 'newest', scope: 'all', state: 'stopped', started_at: old, ended_at: old },
      { ...run, id: 'named', scope: 'named', state: 'done', started_at: old, ended_at: old },
      { ...run, id: 'fresh', scope: 'named', state: 'done', started_at: now, ended_at: now },
      { ...run, id: 'killed', scope: 'named', state: 'running', started_at: old, ended_at: null, holder: gone },
      { ...run, id: 'running', scope: 'named', state: 'running', started_at: now, ended_at: null },
      { ...run, id: 'unheard', scope: 'named', state: 'running', started_at: old, ended_at: null, holder: 'elsewhere:1:x' },
    ])
    const tried = { placement_id: 1, state: 'ok' as const, from_version: 4 }
    await insertRows(
      database,
      'migration_placements',
      ['reached', 'named'].map(run_id => ({ ...tried, run_id })),
    )
    const runs = async () => {
      const rows = await kysely.selectFrom('migration_runs').select(['id', 'state']).orderBy('id').execute()
      return Object.fromEntries(rows.map(row => [row.id, row.state]))
    }
    const everything = await runs()
    await removeDueTenants(here.catalog, new Log(() => {}), terms())
    expect(await runs()).toEqual({ ...everything, killed: 'stopped' })
    await removeDueTenants(here.catalog, new Log(() => {}), { ...terms(), receiptDays: 1 })
    const { before: _before, named: _named, unheard: _unheard, ...left } = everything
    expect(await runs()).toEqual({ ...left, killed: 'stopped' })
    expect(await kysely.selectFrom('migration_placements').select('run_id').execute()).toEqual([{ run_id: 'reached' }])
    const moves = await kysely.selectFrom('moves').select('ended_at').where('tenant_id', '=', 7_001).orderBy('id').execute()
    expect(moves).toEqual([{ ended_at: now }, { ended_at: null }])
  })

  it('done twice at once removes each tenant once, and neither side fails', async () => {
    const [here, there] = [await openInstallation(env), await openInstallation(env)]
    for (const slug of ['twice-1', 'twice-2', 'twice-3']) await deleted(here, slug, -1)
    const both = await Promise.all([removeDue(here.catalog, terms()), removeDue(there.catalog, terms())])
    expect(both.flatMap(side => side.failures)).toEqual([])
    expect(await isThere(here, 'twice-2')).toBe(false)
  })

  it('asks once for the keys, jobs and events of a page, and tells of the jobs of each once, also where a step is done again', async () => {
    const here = await openInstallation(env)
    const asked: string[] = []
    const ids: number[] = []
    for (const slug of ['page-1', 'page-2', 'page-3']) {
      await deleted(here, slug, -1)
      ids.push((await getTenant(here.catalog, parseSlug(slug))).id)
    }
    const each = (what: string, count: number) => async (of: readonly TenantId[]) => {
      asked.push(what)
      return new Map(of.map(id => [id, count] as const))
    }
    let media = 0
    const { parts } = removing(async (...removal) => {
      if (media++ === 0) throw new Failure('SCHEMA_MISSING', 'as if another had been faster')
      return noMedia(...removal)
    })
    const receipts: RemovalReceipt[] = []
    await removeDue(here.catalog, {
      parts: { ...parts, jobs: each('jobs', 2), keys: each('keys', 3), events: async () => void asked.push('events') },
      by: 'a test',
      signal: NEVER,
      removed: receipt => receipts.push(receipt),
    })
    expect(asked).toEqual(['jobs', 'events', 'keys'])
    expect(receipts.map(({ id, jobs, keys }) => [id, jobs, keys])).toEqual(ids.map(id => [id, 2, 3]))
  })

  it('keeps the receipt of a removal that begins right after another process marked the tenant', async () => {
    const here = await openInstallation(env)
    const { catalog } = here
    const tenant = await tenantIn(here, 'marked')
    const { parts } = removing()
    const marked = atUpdate(catalog.kysely, 'tenants', 'after', async () => {
      await removeWaiting(catalog, await beginRemovals(catalog, [tenant.slug]), parts, 'the other')
    })
    await markDeleted({ ...catalog, kysely: marked }, tenant.slug, Date.now() - 1)
    const known = await catalog.kysely.selectFrom('receipts').select('tenant_id').where('tenant_id', '=', tenant.id).execute()
    expect(known).toHaveLength(1)
    // Whatever became of it, the removal ends with one.
    await catalog.kysely.deleteFrom('receipts').where('tenant_id', '=', tenant.id).execute()
    expect(await removeTenant(catalog, tenant.slug, removing())).toMatchObject({ slug: 'marked', feeds: 0 })
  })

  it('a placement that a creation has just chosen is not forgotten with those of tenants that are gone', async () => {
    const here = await openInstallation(env)
    await deleted(here, 'returns', -1)
    await removeTenant(here.catalog, parseSlug('returns'), removing())
    const [returned] = await claimTenants(here.catalog, here.prefix, [wish('returns')], 'a holder')
    expect(await vacatedAt(here, returned?.placementId ?? 0)).toEqual({ vacated_at: null })
    await deleted(here, 'goes', -1)
    const { placementId } = await getTenant(here.catalog, parseSlug('goes'))
    await removeTenant(here.catalog, parseSlug('goes'), removing())
    await forgetVacated(here.catalog, Date.now() + 2 * HOUR_MS)
    expect(await vacatedAt(here, returned?.placementId ?? 0)).toEqual({ vacated_at: null })
    expect(await vacatedAt(here, placementId)).toBeUndefined()
  })
})
