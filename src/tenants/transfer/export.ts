import type { Hash } from 'node:crypto'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import { REMOVAL_BEGUN, type Tenant } from '../tenant.js'
import { TENANT_SCHEMA_VERSION } from '../upgrade.js'
import { FORMAT, type Header, invalid, lineOf, MAX_LINE_BYTES, newHash, sealOf } from './format.js'
import { SECTIONS, type Section } from './sections.js'
import { type Row, type TenantSnapshot, withSnapshot } from './snapshot.js'

const PIECE_CHARACTERS = 64 * 1024

export interface ExportOptions {
  readonly signal: AbortSignal
  /** Of this feedctl. */
  readonly version: string
  /** Called now and then with the rows that are written. */
  readonly progress?: (rows: number) => void
}

/** Takes the next bytes of the file; resolves when it wants more. */
export type Write = (chunk: Buffer) => Promise<unknown>

/** What was written. */
export interface Exported {
  readonly schemaVersion: number
  readonly exportedAt: number
  /** Rows of each table. */
  readonly rows: Readonly<Record<string, number>>
  /** Of the file. */
  readonly bytes: number
  /** Of the whole file, hex, as `sha256sum` prints it. */
  readonly sha256: string
}

/**
 * Writes the tenant as it is at one moment, also one that is suspended or hidden until its removal; writers go on. What was written before a failure is no file of a tenant, and every reader
 * finds that out. Holds a few megabytes, however much the tenant has.
 * @throws {Failure} TENANT_WRONG_STATE for one that is not all there: not finished yet, or being removed; UNAVAILABLE, SCHEMA_MISSING, TENANT_MOVED; the signal's reason
 */
export async function exportTenant(catalog: Catalog, tenant: Tenant, write: Write, options: ExportOptions): Promise<Exported> {
  refusePartial(tenant)
  const rows: Record<string, number> = {}
  const exportedAt = Date.now()
  const sealing = new Sealing()
  const header = headerOf(tenant, options.version, exportedAt)
  await withSnapshot(
    catalog,
    tenant,
    snapshot => pour(piecesOf(linesOf(snapshot, header, rows, options)), sealing, write, options.signal),
    options.signal,
  )
  return { schemaVersion: TENANT_SCHEMA_VERSION, exportedAt, rows, bytes: sealing.bytes, sha256: sealing.sha256() }
}

function refusePartial({ slug, state, deleteAfterAt }: Tenant): void {
  if (state !== 'provisioning' && !(state === 'deleting' && deleteAfterAt === REMOVAL_BEGUN)) return
  const what = state === 'provisioning' ? 'is not finished yet' : 'is being removed'
  throw new Failure('TENANT_WRONG_STATE', `tenant ${slug} ${what}`, { hint: `feedctl tenant show ${slug}` })
}

/** @throws what stopped it first, which a pipeline does not always tell */
async function pour(pieces: AsyncGenerator<Buffer>, sealing: Sealing, write: Write, signal: AbortSignal): Promise<void> {
  let refusal: unknown = null
  const sink = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks)
      await write(chunk).catch(error => {
        refusal = error
        throw error
      })
  }
  // Half the time of the usual level, for a few percent more bytes.
  await pipeline(Readable.from(pieces), createGzip({ level: 4 }), sealing, sink, { signal }).catch(error => {
    throw signal.aborted ? signal.reason : (refusal ?? error)
  })
}

function headerOf(tenant: Tenant, version: string, exportedAt: number): Header {
  return {
    feedctl: 'tenant',
    format: FORMAT,
    schema: TENANT_SCHEMA_VERSION,
    version,
    exported_at: new Date(exportedAt).toISOString(),
    tenant: {
      id: tenant.id,
      slug: tenant.slug,
      name: tenant.name,
      keep_days: tenant.keepDays,
      keep_posts: tenant.keepPosts,
      media_types: tenant.mediaTypes,
      media_max_bytes: tenant.mediaMaxBytes,
      media_per_post: tenant.mediaPerPost,
      created_at: new Date(tenant.createdAt).toISOString(),
    },
  }
}

async function* linesOf(
  snapshot: TenantSnapshot,
  header: Header,
  rows: Record<string, number>,
  { progress }: ExportOptions,
): AsyncGenerator<string> {
  const whole = newHash()
  const counted = (line: string) => {
    whole.update(line)
    return line
  }
  yield counted(lineOf(header))
  let total = 0
  for (const section of SECTIONS) {
    yield counted(lineOf({ table: section.table, columns: Object.keys(section.columns) }))
    const sum = newHash()
    let count = 0
    for await (const page of snapshot.rowsOf(section)) {
      for (const row of page) {
        const line = rowLine(section, row)
        sum.update(line)
        yield counted(line)
      }
      count += page.length
      progress?.(total + count)
    }
    total += count
    rows[section.table] = count
    yield counted(lineOf({ end: section.table, rows: count, sha256: sum.digest('hex') }))
  }
  yield lineOf({ end: 'tenant', tables: SECTIONS.length, rows: total, sha256: whole.digest('hex') })
}

/** @throws {Failure} EXPORT_INVALID for a row that no reader would take */
function rowLine({ table, columns, bytes, key }: Section, row: Row): string {
  const values = Object.keys(columns).map(name => {
    const value = row[name] ?? null
    return bytes.includes(name) ? Buffer.from(value as Uint8Array).toString('base64') : value
  })
  const line = lineOf(values)
  if (line.length * 3 <= MAX_LINE_BYTES || Buffer.byteLength(line) <= MAX_LINE_BYTES) return line
  throw invalid(table, `the row ${key.map(name => row[name]).join(' ')} is longer than ${MAX_LINE_BYTES} bytes`)
}

/** Fewer and longer, for the sake of what they go through. */
async function* piecesOf(lines: AsyncGenerator<string>): AsyncGenerator<Buffer> {
  let piece = ''
  for await (const line of lines) {
    piece += line
    if (piece.length < PIECE_CHARACTERS) continue
    yield Buffer.from(piece)
    piece = ''
  }
  yield Buffer.from(piece)
}

/** Counts and sums what passes, and ends it with the seal. */
class Sealing extends Transform {
  bytes = 0
  private readonly body: Hash = newHash()
  private readonly file: Hash = newHash()

  override _transform(chunk: Buffer, _encoding: string, done: (error: Error | null, chunk: Buffer) => void): void {
    this.body.update(chunk)
    this.count(chunk)
    done(null, chunk)
  }

  override _flush(done: (error: Error | null, chunk: Buffer) => void): void {
    const seal = sealOf(this.body)
    this.count(seal)
    done(null, seal)
  }

  sha256(): string {
    return this.file.copy().digest('hex')
  }

  private count(chunk: Buffer): void {
    this.file.update(chunk)
    this.bytes += chunk.length
  }
}
