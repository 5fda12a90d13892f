import { sleep } from '../../kernel/clock.js'
import { Failure, isFailure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import { contentColumns } from '../content-version.js'
import type { TenantState } from '../databases/index.js'
import type { TenantSlug } from '../ids.js'
import { changeState, getTenant, REMOVAL_BEGUN, type Tenant } from '../tenant.js'
import { holdWriters, letWritersIn } from './dump-fence.js'
import type { RemovalParts } from './parts.js'
import { type Dump, forgetStaleDump, noteDump } from './receipts.js'

/** Every process looks once a second for tenants that changed: what it knew of a hidden one is forgotten by then. */
export const HEARD_MS = 2_500

/**
 * Hides the tenant from everything at once; its data goes when `removeTenant` is called after the grace. `resumeTenant` undoes it, so one
 * that was never finished is marked only where `from` says so: by who removes it at once. @throws {Failure} TENANT_NOT_FOUND, TENANT_WRONG_STATE
 */
export async function markDeleted(
  catalog: Catalog,
  slug: TenantSlug,
  deleteAfterAt: number,
  from: readonly TenantState[] = ['active', 'suspended'],
): Promise<Tenant> {
  await forgetStaleDump(catalog, (await getTenant(catalog, slug)).id)
  return changeState(catalog, slug, [...from, 'deleting'], 'deleting', Math.max(REMOVAL_BEGUN + 1, deleteAfterAt))
}

/** The same for who removes it at once, in whatever state it is; calm about a removal that was begun. @throws {Failure} TENANT_NOT_FOUND */
export async function markDue(catalog: Catalog, slug: TenantSlug): Promise<void> {
  try {
    await markDeleted(catalog, slug, Date.now(), ['provisioning', 'active', 'suspended'])
  } catch (error) {
    if (!isFailure(error, 'TENANT_WRONG_STATE')) throw error
  }
}

export interface DumpTerms {
  readonly deleteAfterAt: number
  readonly events: RemovalParts['events']
  /** Writes the file. */
  readonly dump: (tenant: Tenant) => Promise<Dump>
  readonly signal: AbortSignal
}

/**
 * The same, and writes what it had to a file before it may be removed: `dump` is called when every process has heard that it is hidden, its accepted events are
 * counted, and nobody can write anything of it any more, until it is resumed. It is due only once the dump is noted. Where that fails the tenant is what it was;
 * killed meanwhile, or where its database does not answer any more, it is hidden, and never due, until it is resumed or deleted again.
 * @throws {Failure} TENANT_NOT_FOUND, TENANT_WRONG_STATE, TENANT_MOVING; what the dump throws
 */
export async function markDumped(
  catalog: Catalog,
  slug: TenantSlug,
  { deleteAfterAt, events, dump, signal }: DumpTerms,
): Promise<Tenant> {
  const before = await getTenant(catalog, slug)
  await forgetStaleDump(catalog, before.id)
  const marked = await changeState(catalog, slug, ['active', 'suspended', 'deleting'], 'deleting', null)
  try {
    await sleep(HEARD_MS, signal)
    await events()
    await holdWriters(catalog, marked)
    if (!(await noteDump(catalog, marked, await dump(marked), deleteAfterAt)))
      throw new Failure('TENANT_WRONG_STATE', `tenant ${slug} was resumed, or deleted by another, while it was dumped`, {
        hint: `feedctl tenant show ${slug}`,
      })
  } catch (error) {
    await unmark(catalog, before)
    throw error
  }
  return getTenant(catalog, slug)
}

/** Brings back one that is suspended, or hidden and not yet being removed; calm about an active one. @throws {Failure} TENANT_NOT_FOUND, TENANT_WRONG_STATE, UNAVAILABLE */
export async function resumeTenant(catalog: Catalog, slug: TenantSlug): Promise<Tenant> {
  const tenant = await getTenant(catalog, slug)
  // Before the state: an active tenant whose writers are held off would stay so.
  if (tenant.state === 'deleting' && tenant.deleteAfterAt !== REMOVAL_BEGUN) await letWritersIn(catalog, tenant)
  return changeState(catalog, slug, ['active', 'suspended', 'deleting'], 'active')
}

/** Makes the tenant what it was before a dump that failed, unless somebody else has changed it meanwhile. */
async function unmark(catalog: Catalog, before: Tenant): Promise<void> {
  if (before.state !== 'deleting') {
    try {
      await letWritersIn(catalog, before)
    } catch (error) {
      // It stays hidden then: with its writers held off it must not be active.
      if (isFailure(error)) return
      throw error
    }
  }
  await catalog.kysely
    .updateTable('tenants')
    .set({ state: before.state, delete_after: before.deleteAfterAt, updated_at: Date.now(), ...contentColumns(catalog) })
    .where('id', '=', before.id)
    .where('state', '=', 'deleting')
    .where('delete_after', 'is', null)
    .execute()
}
