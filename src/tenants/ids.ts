import { Failure } from '../kernel/errors.js'
import { shortNumber } from '../kernel/hash.js'

declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

/** Number of a tenant in the catalog. */
export type TenantId = Branded<number, 'TenantId'>
/** `[a-z0-9][a-z0-9-]{1,40}`: safe in a path, a schema name and a key. */
export type TenantSlug = Branded<string, 'TenantSlug'>
/** Name of a database on its host: letters, digits and `_`, at most 64. */
export type DatabaseName = Branded<string, 'DatabaseName'>
/** Number of a source in the catalog. */
export type SourceId = Branded<number, 'SourceId'>

/** @throws {Failure} SLUG_INVALID */
export function parseSlug(text: string): TenantSlug {
  if (/^[a-z0-9][a-z0-9-]{1,40}$/.test(text)) return text as TenantSlug
  throw new Failure('SLUG_INVALID', `${JSON.stringify(text.slice(0, 60))} is not a tenant slug`, {
    hint: '2 to 41 of a-z, 0-9 and -, starting with a letter or digit',
  })
}

/** What people call a tenant, trimmed. @throws {Failure} USAGE */
export function parseTenantName(text: string): string {
  const name = text.trim()
  if (name !== '' && [...name].length <= 200) return name
  throw new Failure('USAGE', 'a name has 1 to 200 characters', { hint: '--name "Acme Ltd."' })
}

/** The number as a tenant's id, as found in a catalog row or a job's payload. @throws {TypeError} when it is no positive integer */
export function parseTenantId(value: number): TenantId {
  return positive(value) as TenantId
}

/** The number as a source's id. @throws {TypeError} when it is no positive integer */
export function parseSourceId(value: number): SourceId {
  return positive(value) as SourceId
}

/** @throws {TypeError} for what is no database name: it never comes from an operator's input as it is */
export function parseDatabaseName(text: string): DatabaseName {
  if (isDatabaseName(text)) return text
  throw new TypeError(`not a database name: ${text}`)
}

/** Whether feedctl could have given a database this name. */
export function isDatabaseName(text: string): text is DatabaseName {
  return /^[A-Za-z0-9_]{1,64}$/.test(text)
}

/** The database of a dedicated tenant. No two slugs share one: slugs have no `_`. */
export function dedicatedDatabase(prefix: string, slug: TenantSlug): DatabaseName {
  return parseDatabaseName(`${prefix}${slug.replaceAll('-', '_')}`)
}

/** The n-th shared database. Never a tenant's own name: no slug starts with `-`. */
export function sharedDatabase(prefix: string, number: number): DatabaseName {
  return parseDatabaseName(`${prefix}_shared_${number}`)
}

/** The database that a catalog makes, looks at and removes again to know how a new one looks. Nobody's own name, as above, and no other catalog's. */
export function expectedDatabase(prefix: string, catalogId: string): DatabaseName {
  return parseDatabaseName(`${prefix}_expected_${shortNumber(catalogId).toString(16)}`)
}

/** A spare database, `token`: 12 hex digits. Never a tenant's own name, nor a shared one's. */
export function spareDatabase(prefix: string, token: string): DatabaseName {
  return parseDatabaseName(`${prefix}_spare_${token}`)
}

export function isSpareDatabase(name: string): boolean {
  return /_spare_[0-9a-f]{12}$/.test(name)
}

function positive(value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new TypeError(`not an id: ${value}`)
}
