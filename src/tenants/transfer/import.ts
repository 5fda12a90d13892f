import type { Readable } from 'node:stream'
import { Failure, isFailure, wordsOf } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import type { PlacementKind } from '../databases/index.js'
import { parseSlug, type SourceId, type TenantSlug } from '../ids.js'
import type { KeptClaim } from '../kept-claim.js'
import { createTenant } from '../provision.js'
import { type TenantTables, withTenant } from '../tables.js'
import type { Tenant } from '../tenant.js'
import { clearRows } from './clear.js'
import { type Header, invalid } from './format.js'
import { readTransfer } from './read.js'
import { SECTIONS, type Section } from './sections.js'
import { type Row, type TenantSnapshot, withSnapshot } from './snapshot.js'
import { type TransferRules, type Verified, verifyTransfer } from './verify.js'

export interface ImportWish {
  /** The file, from its start each time. */
  readonly open: () => Readable
  /** Null is as the file has it. */
  readonly slug: TenantSlug | null
  readonly name: string | null
  readonly placement: PlacementKind
  /** Null is where there is room. */
  readonly host: string | null
}

/** What other parts of feedctl do for an import. */
export interface ImportParts extends TransferRules {
  /** Start of the names of databases. */
  readonly prefix: string
  /** Numbers of the sources of these URLs, each another. */
  sourcesOf(urls: readonly string[]): Promise<ReadonlyMap<string, SourceId>>
  /** The HTML without what a page must not run. */
  cleanContent(html: string): string
}

export interface ImportOptions {
  readonly signal: AbortSignal
  /** Called now and then with the rows that are written, of those there are. */
  readonly progress?: (rows: number, total: number) => void
}

export interface Imported {
  readonly tenant: Tenant
  /** Shown once: only its hash is kept. */
  readonly token: string
  readonly from: { readonly slug: string; readonly exportedAt: number; readonly schemaVersion: number; readonly version: string }
  /** Rows that were written, of each table. */
  readonly rows: Readonly<Record<string, number>>
  /** Files that the file names, whose bytes are not in it; and the links of posts that are to be fetched again. */
  readonly media: { readonly files: number; readonly bytes: number; readonly fetchedAgain: number }
}

/**
 * Makes a tenant of a file: all of it, or nothing. The file is read twice, first to its seal: before it is known to be whole nothing is written at all. The tenant
 * is `provisioning`, and seen by nobody, until every row is there and counted. Killed at any point, the same call begins it anew.
 * Ids and counters stay as they are. Its files are not there: what posts link to is fetched again.
 * @throws {Failure} EXPORT_INVALID, TENANT_EXISTS, DATABASE_TAKEN, HOST_NOT_FOUND, HOST_FULL, UNAVAILABLE; the signal's reason
 */
export async function importTenant(
  catalog: Catalog,
  wish: ImportWish,
  parts: ImportParts,
  options: ImportOptions,
): Promise<Imported> {
  const verified = await verifyTransfer(wish.open(), parts, options.signal)
  const { header } = verified
  const slug = wish.slug ?? parseSlug(header.tenant.slug)
  const wanted = { slug, name: wish.name ?? header.tenant.name, placement: wish.placement, host: wish.host }
  const { tenant, token, furnished } = await createTenant(catalog, parts.prefix, wanted, (made, claim) =>
    restore(catalog, { tenant: made, claim }, verified, wish.open, parts, options),
  )
  const { exported_at, schema, version } = header
  return {
    tenant,
    token,
    from: { slug: header.tenant.slug, exportedAt: Date.parse(exported_at), schemaVersion: schema, version },
    rows: furnished.rows,
    media: { files: verified.rows.media ?? 0, bytes: verified.mediaBytes, fetchedAgain: furnished.fetchedAgain },
  }
}

interface Restored {
  readonly rows: Readonly<Record<string, number>>
  readonly fetchedAgain: number
}

/** Fills the tables of a tenant that nobody sees yet; after a refusal they are empty. */
async function restore(
  catalog: Catalog,
  { tenant, claim }: { readonly tenant: Tenant; readonly claim: KeptClaim },
  verified: Verified,
  open: () => Readable,
  parts: ImportParts,
  { signal, progress }: ImportOptions,
): Promise<Restored> {
  const total = Object.values(verified.rows).reduce((sum, count) => sum + count, 0)
  return withTenant(
    catalog,
    tenant,
    async tables => {
      const writing = new Writing(tables, parts)
      const read = await readTransfer(
        open(),
        {
          header: header => refuseOther(verified.header, header),
          rows: async (section, rows) => {
            await claim.keep()
            await writing.take(section, rows)
            progress?.(writing.total, total)
          },
        },
        signal,
      )
      await expectCounts(catalog, tenant, claim, writing.rows, signal)
      await claim.keep(policyOf(read.header))
      return { rows: writing.rows, fetchedAgain: writing.fetchedAgain }
    },
    signal,
  ).catch(async error => {
    await clearRows(catalog, tenant, claim, { leave: true }).catch(() => {})
    throw error
  })
}

/** Writes rows as they come. */
class Writing {
  readonly rows: Record<string, number> = {}
  fetchedAgain = 0
  total = 0
  private readonly now = Date.now()

  constructor(
    private readonly tables: TenantTables,
    private readonly parts: ImportParts,
  ) {
    for (const { table } of SECTIONS) this.rows[table] = 0
  }

  async take({ table }: Section, rows: readonly Row[]): Promise<void> {
    this.total += rows.length
    const written = await this.made(table, rows)
    if (written.length === 0) return
    try {
      await this.tables.transaction(tx => tx.insert(table, written as never[]))
    } catch (error) {
      throw refusedRows(table, error)
    }
    this.rows[table] = (this.rows[table] ?? 0) + written.length
  }

  private async made(table: Section['table'], rows: readonly Row[]): Promise<readonly Row[]> {
    switch (table) {
      case 'feeds': {
        const sources = await this.parts.sourcesOf(rows.map(row => row.url as string))
        return rows.map(row => ({ ...row, source_id: sources.get(row.url as string) }))
      }
      case 'posts':
        return rows.map(row => ({ ...row, content: this.parts.cleanContent(row.content as string) }))
      case 'media':
        // Of files that are not there: what the tenant had of them would pass for lost.
        return []
      case 'media_links':
        return rows.map(row => this.linkOf(row))
      default:
        return rows
    }
  }

  private linkOf(row: Row): Row {
    if (row.state !== 'stored') return { ...row, media_id: null }
    this.fetchedAgain++
    return { ...row, media_id: null, state: 'waiting', attempts: 0, next_at: this.now }
  }
}

function refuseOther(verified: Header, header: Header): void {
  if (JSON.stringify(verified) !== JSON.stringify(header)) throw invalid('export', 'the file was changed while it was read')
}

/** What a database does not take of a row that is of its kind, such as a second post of a guid. */
function refusedRows(table: string, error: unknown): unknown {
  const { code } = error as { code?: unknown }
  const isRefusal = !isFailure(error) && typeof code === 'string' && /^(ER_|SQLITE_)/.test(code)
  return isRefusal ? invalid(table, `the database refuses its rows: ${wordsOf(error).slice(0, 200)}`, error) : error
}

/** @throws {Failure} UNAVAILABLE where rows were lost on their way, or came from someone else */
async function expectCounts(
  catalog: Catalog,
  tenant: Tenant,
  claim: KeptClaim,
  rows: Readonly<Record<string, number>>,
  signal: AbortSignal,
): Promise<void> {
  const check = async (snapshot: TenantSnapshot) => {
    for (const section of SECTIONS) {
      await claim.keep()
      const there = await snapshot.countOf(section)
      if (there === rows[section.table]) continue
      throw new Failure('UNAVAILABLE', `${there} rows are in ${section.table}, and ${rows[section.table]} were written`)
    }
  }
  await withSnapshot(catalog, tenant, check, signal)
}

function policyOf({ tenant }: Header) {
  const { keep_days, keep_posts, media_types, media_max_bytes, media_per_post } = tenant
  return { keep_days, keep_posts, media_types: media_types?.join(',') ?? null, media_max_bytes, media_per_post }
}
