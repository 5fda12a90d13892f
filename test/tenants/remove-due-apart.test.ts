import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import type { Catalog } from '../../src/tenants/catalog.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { markDeleted } from '../../src/tenants/removal.js'
import { removeDue } from '../../src/tenants/remove-due.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { describeDatabases, type Installation, openInstallation, removing, tenantIn } from './installation.js'

const { parts, by } = removing()
const NO_JOBS = { ...parts, jobs: async () => new Map() }

/** A row that the database does not let go, or change. Answers how to let it again. */
async function hold(
  { kysely, database }: Catalog,
  event: string,
  table: 'tenants' | 'receipts',
  isIt: string,
): Promise<() => Promise<unknown>> {
  const refusal =
    database.dialect === 'sqlite'
      ? `when ${isIt} begin select raise(abort, 'held'); end`
      : `for each row begin if ${isIt} then signal sqlstate '45000' set message_text = 'held'; end if; end`
  const trigger = sql.raw(database.qualify(table).replace(table, 'held'))
  await sql`create trigger ${trigger} before ${sql.raw(`${event} on ${database.qualify(table)} ${refusal}`)}`.execute(kysely)
  return () => sql`drop trigger ${trigger}`.execute(kysely)
}

type Fault = (catalog: Catalog, tenant: Tenant) => Promise<() => Promise<unknown>>
const FAULTS: Readonly<Record<string, Fault>> = {
  'its removal cannot begin': (catalog, { slug }) => hold(catalog, 'update', 'tenants', `old.slug = '${slug}'`),
  'its receipt cannot be read': async ({ kysely }, { id, slug }) => {
    await kysely.insertInto('receipts').values({ tenant_id: id, slug, receipt: 'no JSON', began_at: 1 }).execute()
    return () => kysely.deleteFrom('receipts').where('tenant_id', '=', id).execute()
  },
  'its jobs cannot be noted': (catalog, { id }) => hold(catalog, 'update', 'receipts', `old.tenant_id = ${id}`),
  'its removal cannot end': (catalog, { slug }) => hold(catalog, 'delete', 'tenants', `old.slug = '${slug}'`),
}

/** The first so many changes of a tenant's row are not answered; counts all. */
function silentFor(catalog: Catalog, silences: number): { readonly silent: Catalog; readonly asked: () => number } {
  let asked = 0
  const kysely = new Proxy(catalog.kysely, {
    get(from, name) {
      const member: unknown = Reflect.get(from, name, from)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        if (name === 'updateTable' && args[0] === 'tenants' && ++asked <= silences)
          throw new Failure('UNAVAILABLE', 'the catalog is away')
        return member.apply(from, args)
      }
    },
  })
  return { silent: { ...catalog, kysely }, asked: () => asked }
}

describeDatabases('deleted tenants that are removed together', env => {
  const due = async (here: Installation, ...slugs: string[]) => {
    for (const slug of slugs) {
      await tenantIn(here, slug)
      await markDeleted(here.catalog, parseSlug(slug), Date.now() - 1)
    }
  }
  const removal = async (catalog: Catalog) => {
    const gone: string[] = []
    const terms = {
      parts: NO_JOBS,
      by,
      signal: new AbortController().signal,
      removed: ({ slug }: { slug: string }) => gone.push(slug),
    }
    const { removed, failures } = await removeDue(catalog, { ...terms })
    expect(removed).toBe(gone.length)
    return { gone, failed: failures.map(({ tenant, code }) => `${tenant} ${code}`) }
  }

  it.for(Object.entries(FAULTS))('are kept by none of which %s', async ([what, fault]) => {
    const here = await openInstallation(env)
    const letters = what.replace(/\W/g, '-')
    const slugs = ['a', 'b', 'c'].map(place => `${letters}-${place}`)
    const [first = '', held = '', last = ''] = slugs
    await due(here, first, last)
    const tenant = await tenantIn(here, held)
    await markDeleted(here.catalog, tenant.slug, Date.now() - 1)
    const mend = await fault(here.catalog, tenant)
    for (const others of [[first, last], []])
      expect(await removal(here.catalog)).toEqual({ gone: others, failed: [`${held} BUG`] })
    await mend()
    expect(await removal(here.catalog)).toEqual({ gone: [held], failed: [] })
  })

  it('are kept by none whose row is locked; a catalog that is away is not waited for by each', async () => {
    const here = await openInstallation(env)
    await due(here, 'locked', 'next', 'other', 'outside')
    const { silent: away, asked } = silentFor(here.catalog, Number.POSITIVE_INFINITY)
    const failed = ['locked', 'next', 'other', 'outside'].map(slug => `${slug} UNAVAILABLE`)
    expect(await removal(away)).toEqual({ gone: [], failed })
    expect(asked()).toBe(2)
    const { silent: locked } = silentFor(here.catalog, 1)
    expect(await removal(locked)).toEqual({ gone: ['next', 'other', 'outside'], failed: ['locked UNAVAILABLE'] })
    expect(await removal(here.catalog)).toEqual({ gone: ['locked'], failed: [] })
  })
})
