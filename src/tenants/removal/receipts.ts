import type { Selectable } from 'kysely'
import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import { databaseNow } from '../content-version.js'
import { insertRows, type PlacementKind, type ReceiptsTable } from '../databases/index.js'
import { parseSlug, parseTenantId, type TenantId, type TenantSlug } from '../ids.js'
import { REMOVAL_BEGUN, type Tenant } from '../tenant.js'
import type { MediaRemoval } from './parts.js'

/** A file that holds what the tenant had. */
export interface Dump {
  /** Absolute. */
  readonly file: string
  readonly bytes: number
  /** Hex. */
  readonly sha256: string
}

/** What is known of a removal so far; what no attempt came to yet is not there. */
export interface RemovalFacts {
  readonly by: string
  readonly kind: PlacementKind
  readonly host: string
  readonly database: string
  /** False for a database that is another installation's, or not feedctl's: it stays. Not there until somebody could look. */
  readonly isOurs?: boolean
  readonly databaseUser?: string | null
  /** Of each of the tenant's tables, as many as there were; null when the database could not be read any more. */
  readonly rows?: Readonly<Record<string, number>> | null
  readonly media?: MediaRemoval
  readonly jobs?: number | null
  readonly keys?: number | null
  readonly oldCopies?: number
  /** Sources it read that somebody else may read. */
  readonly sources?: number | null
  readonly dump?: Dump | null
}

/** What was removed with a tenant. It names no person, and nothing of what the tenant had. Times are epoch ms. */
export interface RemovalReceipt {
  readonly slug: TenantSlug
  readonly id: TenantId
  /** The command or job that began it. */
  readonly by: string | null
  readonly placement: PlacementKind | null
  readonly host: string | null
  /** The dropped database; null for a tenant of a shared one, and where it stayed because it was not this installation's. */
  readonly database: string | null
  /** It is another installation's, or not feedctl's: nothing was counted there, and nothing removed. */
  readonly databaseStayed: boolean
  /** The dropped user of the database server; null when it had none of its own. */
  readonly databaseUser: string | null
  /** Null when the database could not be read any more, or stayed. */
  readonly feeds: number | null
  readonly posts: number | null
  /** Of every table of the tenant; null like `feeds`. */
  readonly rows: Readonly<Record<string, number>> | null
  readonly media: MediaRemoval
  /** Null where jobs wait nowhere. */
  readonly jobs: number | null
  /** Of what processes share; null where nothing is shared. */
  readonly keys: number | null
  /** Accepted events that were not counted any more. */
  readonly eventsDropped: number
  /** Copies in other databases that moves had kept. */
  readonly oldCopies: number
  /** Sources it read; those that nobody else reads are forgotten by the schedule. Null like `feeds`. */
  readonly sources: number | null
  readonly dump: Dump | null
  readonly beganAt: number
  /** When all of it was gone; null while it is not. */
  readonly removedAt: number | null
}

export interface ReceiptPage {
  readonly receipts: readonly RemovalReceipt[]
  /** Pass it as `after` for the next page; null on the last. */
  readonly next: number | null
}

/** A slug that is created and removed again and again has more. */
const RECEIPTS_OF_ONE = 100
const NO_MEDIA: MediaRemoval = { files: 0, bytes: 0, localFiles: 0, bucketObjects: 0, bucketForgotten: 0 }

/**
 * Notes the dump of a tenant that is hidden for it, for its receipt, and lets it be due: both or neither. It counts until the tenant is resumed. False when
 * the tenant was resumed, or marked anew, meanwhile: then nothing is noted.
 */
export async function noteDump(catalog: Catalog, tenant: Tenant, dump: Dump, deleteAfterAt: number): Promise<boolean> {
  return catalog.kysely.transaction().execute(async tx => {
    const marked = await tx
      .updateTable('tenants')
      .set({ delete_after: Math.max(REMOVAL_BEGUN + 1, deleteAfterAt) })
      .where('id', '=', tenant.id)
      .where('state', '=', 'deleting')
      .where('delete_after', 'is', null)
      .executeTakeFirst()
    if (marked.numUpdatedRows === 0n) return false
    await tx.deleteFrom('receipts').where('tenant_id', '=', tenant.id).where('removed_at', 'is', null).execute()
    await insertReceipt({ ...catalog, kysely: tx }, tenant, { ...placeOf(tenant), by: 'tenant delete', dump })
    return true
  })
}

/** A dump of before the tenant was resumed is not what it has now. Never touches the receipt of one that is hidden, or being removed. */
export async function forgetStaleDump({ kysely }: Catalog, tenantId: TenantId): Promise<void> {
  await kysely
    .deleteFrom('receipts')
    .where('tenant_id', '=', tenantId)
    .where('removed_at', 'is', null)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('tenants').select('tenants.id').where('tenants.id', '=', tenantId).where('state', '=', 'deleting'))),
    )
    .execute()
}

/** What the tenant was dumped to since it was hidden; null for nothing. */
export async function dumpOf({ kysely }: Catalog, { id, state }: Tenant): Promise<Dump | null> {
  if (state !== 'deleting') return null
  const known = await kysely.selectFrom('receipts').select('receipt').where('tenant_id', '=', id).executeTakeFirst()
  return known === undefined ? null : ((JSON.parse(known.receipt) as RemovalFacts).dump ?? null)
}

/** Writes the receipt with which a removal begins, or adds to the one that an earlier attempt began; answers what that one knew. */
export async function beginReceipt(catalog: Catalog, tenant: Tenant, facts: RemovalFacts): Promise<RemovalFacts> {
  await insertReceipt(catalog, tenant, facts)
  const known = await catalog.kysely
    .selectFrom('receipts')
    .select('receipt')
    .where('tenant_id', '=', tenant.id)
    .executeTakeFirstOrThrow()
  return JSON.parse(known.receipt) as RemovalFacts
}

async function insertReceipt(
  { database, kysely }: Pick<Catalog, 'database' | 'kysely'>,
  { id, slug }: Pick<Tenant, 'id' | 'slug'>,
  facts: RemovalFacts,
): Promise<void> {
  const row = { tenant_id: id as number, slug: slug as string, receipt: JSON.stringify(facts), began_at: Date.now() }
  await insertRows(database, 'receipts', [row], 'keep', kysely)
}

export function placeOf({ placement: { kind, host, database } }: Tenant): Pick<RemovalFacts, 'kind' | 'host' | 'database'> {
  return { kind, host, database }
}

export async function noteFacts(catalog: Catalog, tenantId: TenantId, facts: RemovalFacts): Promise<void> {
  await catalog.kysely
    .updateTable('receipts')
    .set({ receipt: JSON.stringify(facts) })
    .where('tenant_id', '=', tenantId)
    .where('removed_at', 'is', null)
    .execute()
}

/** For who counts events: these were of a tenant that is gone, or going. Calm for one without a receipt. */
export async function addDroppedEvents(catalog: Catalog, tenantId: TenantId, events: number): Promise<void> {
  await catalog.kysely
    .updateTable('receipts')
    .set(eb => ({ events_dropped: eb('events_dropped', '+', events) }))
    .where('tenant_id', '=', tenantId)
    .execute()
}

/**
 * Ends the removal: the tenant is gone and its receipt says so, both or neither. Null when another process ended it before.
 */
export async function endReceipt(
  catalog: Catalog,
  tenant: Pick<Tenant, 'id' | 'slug'>,
  facts: RemovalFacts,
): Promise<RemovalReceipt | null> {
  const tenantId = tenant.id
  return catalog.kysely.transaction().execute(async tx => {
    const gone = await tx.deleteFrom('tenants').where('id', '=', tenantId).executeTakeFirst()
    if (gone.numDeletedRows === 0n) return null
    await insertReceipt({ ...catalog, kysely: tx }, tenant, facts)
    await tx
      .updateTable('receipts')
      .set({ receipt: JSON.stringify(facts), removed_at: databaseNow(catalog.server.dialect) })
      .where('tenant_id', '=', tenantId)
      .execute()
    return receiptOf(await tx.selectFrom('receipts').selectAll().where('tenant_id', '=', tenantId).executeTakeFirstOrThrow())
  })
}

/** The newest receipts of tenants that had the slug, or the number. @throws {Failure} RECEIPT_NOT_FOUND; SLUG_INVALID for what is neither */
export async function receiptsOf(catalog: Catalog, named: string): Promise<RemovalReceipt[]> {
  const id = /^[1-9]\d{0,14}$/.test(named) ? Number(named) : null
  if (id === null) parseSlug(named)
  const rows = await catalog.kysely
    .selectFrom('receipts')
    .selectAll()
    .where(eb => (id === null ? eb('slug', '=', named) : eb.or([eb('slug', '=', named), eb('tenant_id', '=', id)])))
    .orderBy('id', 'desc')
    .limit(RECEIPTS_OF_ONE)
    .execute()
  if (rows.length === 0)
    throw new Failure('RECEIPT_NOT_FOUND', `no tenant ${named} was removed, or its receipt was too old to be kept`, {
      hint: 'feedctl tenant receipt --list',
    })
  return rows.map(receiptOf)
}

/** The newest first. `after`: number of the last one of the page before. */
export async function listReceipts(catalog: Catalog, { limit, after }: { limit: number; after?: number }): Promise<ReceiptPage> {
  let query = catalog.kysely
    .selectFrom('receipts')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(limit + 1)
  if (after !== undefined) query = query.where('id', '<', after)
  const rows = await query.execute()
  const page = rows.slice(0, limit)
  return { receipts: page.map(receiptOf), next: rows.length > limit ? (page.at(-1)?.id ?? null) : null }
}

/** Forgets those of removals that ended before; answers how many there were. */
export async function forgetReceipts(catalog: Catalog, before: number): Promise<number> {
  const forgotten = await catalog.kysely.deleteFrom('receipts').where('removed_at', '<', before).executeTakeFirst()
  return Number(forgotten.numDeletedRows)
}

function receiptOf(row: Selectable<ReceiptsTable>): RemovalReceipt {
  const facts = JSON.parse(row.receipt) as RemovalFacts
  const { rows = null } = facts
  return {
    slug: row.slug as TenantSlug,
    id: parseTenantId(row.tenant_id),
    by: facts.by,
    placement: facts.kind,
    host: facts.host,
    database: facts.kind === 'dedicated' && facts.isOurs !== false ? facts.database : null,
    databaseStayed: facts.isOurs === false,
    databaseUser: facts.databaseUser ?? null,
    feeds: rows?.feeds ?? null,
    posts: rows?.posts ?? null,
    rows,
    media: facts.media ?? NO_MEDIA,
    jobs: facts.jobs ?? null,
    keys: facts.keys ?? null,
    eventsDropped: row.events_dropped,
    oldCopies: facts.oldCopies ?? 0,
    sources: facts.sources ?? null,
    dump: facts.dump ?? null,
    beganAt: row.began_at,
    removedAt: row.removed_at,
  }
}
