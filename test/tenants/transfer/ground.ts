import { createReadStream, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { sql } from 'kysely'
import { sanitise } from '../../../src/feeds/parse/sanitise.js'
import { sourcesOfRestored } from '../../../src/feeds/restored-sources.js'
import { sourceUrl } from '../../../src/feeds/urls.js'
import { isMediaName } from '../../../src/media/names.js'
import { TENANT_TABLES, type TenantSchema } from '../../../src/tenants/databases/index.js'
import { parseSlug } from '../../../src/tenants/ids.js'
import { getTenant, type Tenant } from '../../../src/tenants/tenant.js'
import { exportTenantToFile } from '../../../src/tenants/transfer/export-file.js'
import { newHash, sealOf } from '../../../src/tenants/transfer/format.js'
import { type Imported, type ImportParts, type ImportWish, importTenant } from '../../../src/tenants/transfer/import.js'
import { temporaryFolder } from '../../support/folders.js'
import type { Installation } from '../installation.js'

export const never = new AbortController().signal

export async function exported(here: Installation, tenant: Tenant): Promise<string> {
  const path = join(temporaryFolder(), 'tenant.gz')
  await exportTenantToFile(here.catalog, tenant, path, { replace: false, signal: never, version: '1.2.3' })
  return path
}

export const linesOf = (path: string) => gunzipSync(readFileSync(path)).toString().trimEnd().split('\n').slice(0, -1)

/** A file of these lines that is sealed as it should be. */
export function sealed(lines: readonly string[]): string {
  const path = join(temporaryFolder(), 'tenant.gz')
  const body = gzipSync(lines.map(line => `${line}\n`).join(''))
  writeFileSync(path, Buffer.concat([body, sealOf(newHash().update(body))]))
  return path
}

/** The lines, with every sum in them made true again. */
export function summed(lines: readonly string[]): string[] {
  const whole = newHash()
  let sum = newHash()
  let rows = 0
  let total = 0
  let tables = 0
  return lines.map(line => {
    const value = JSON.parse(line)
    if (Array.isArray(value)) {
      sum.update(`${line}\n`)
      rows++
    } else if (value.end === 'tenant') {
      return JSON.stringify({ ...value, tables, rows: total, sha256: whole.digest('hex') })
    } else if (value.end !== undefined) {
      line = JSON.stringify({ ...value, rows, sha256: sum.digest('hex') })
      total += rows
      tables++
    } else {
      sum = newHash()
      rows = 0
    }
    whole.update(`${line}\n`)
    return line
  })
}

export function wishFor(path: string, slug: string, placement: ImportWish['placement'] = 'dedicated'): ImportWish {
  return { open: () => createReadStream(path), slug: parseSlug(slug), name: null, placement, host: null }
}

export function partsOf(here: Installation): ImportParts {
  return {
    prefix: here.prefix,
    sourcesOf: urls => sourcesOfRestored(here.catalog, urls),
    isFeedUrl: url => sourceUrl(url) === url,
    isMediaName,
    cleanContent: html => sanitise(html, 'https://invalid.invalid/'),
  }
}

export function imported(here: Installation, wish: ImportWish, parts: Partial<ImportParts> = {}): Promise<Imported> {
  return importTenant(here.catalog, wish, { ...partsOf(here), ...parts }, { signal: never })
}

/** What is compared of two files: all rows but those that an import changes on purpose. */
export const comparable = (path: string) => {
  const lines = linesOf(path)
  const start = lines.findIndex(line => line.startsWith('{"table":"media"'))
  const end = lines.findIndex(line => line.startsWith('{"end":"media_links"'))
  return [...lines.slice(1, start), ...lines.slice(end + 1, -1)]
}

export async function rowsOf(here: Installation, slug: string) {
  return here.catalog.kysely.selectFrom('tenants').selectAll().where('slug', '=', slug).executeTakeFirst()
}

/** Rows of tenants that the catalog does not know, in every database of the installation. */
export async function strays(here: Installation): Promise<string[]> {
  const known = new Set((await here.catalog.kysely.selectFrom('tenants').select('id').execute()).map(row => row.id))
  const placements = await here.catalog.kysely.selectFrom('placements').select(['database_name', 'schema_version']).execute()
  const found: string[] = []
  for (const { database_name } of placements.filter(row => row.schema_version > 0)) {
    await here.catalog.server.use<TenantSchema, void>(database_name as never, async database => {
      for (const table of TENANT_TABLES) {
        const query = sql<{
          id: number
        }>`/* of all tenants */ select distinct tenant_id as id from ${sql.raw(database.qualify(table as 'feeds'))}`
        for (const { id } of (await query.execute(database.kysely)).rows) if (!known.has(id)) found.push(`${table} ${id}`)
      }
    })
  }
  return found
}

export async function rowsOfTenant(here: Installation, slug: string): Promise<Tenant | null> {
  return getTenant(here.catalog, parseSlug(slug)).catch(() => null)
}

export function isObject(line = ''): boolean {
  return line.startsWith('{')
}

export function isJson(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

/** The third post gets the feed and the guid's hash of the first. */
export function twins(lines: string[]): string[] {
  const first = JSON.parse(lines.find(line => line.startsWith('[1,2,"guid 1"')) ?? '[]')
  return lines.map(line => {
    if (!line.startsWith('[3,2,"guid 3"')) return line
    const row = JSON.parse(line)
    row[3] = first[3]
    return JSON.stringify(row)
  })
}
