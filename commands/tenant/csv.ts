import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Io } from '../../src/cli/io.js'
import type { FeedWish } from '../../src/feeds/subscriptions.js'
import { Failure, isFailure, wordsOf } from '../../src/kernel/errors.js'
import { parseSlug, parseTenantName } from '../../src/tenants/ids.js'
import { readOpmlFile } from '../feed/opml-file.js'

export interface TenantRow {
  readonly slug: string
  readonly name: string
  readonly placement?: string
  readonly host?: string
  readonly wishes: FeedWish[]
}

const COLUMNS = ['slug', 'name', 'placement', 'host', 'opml']
const MAX_MISTAKES = 20

/** Reads a CSV of tenants whole, paths of OPML files relative to it. @throws {Failure} CSV_INVALID naming every mistake by its line */
export async function readTenantsCsv(path: string, io: Io): Promise<TenantRow[]> {
  const { parse } = await import('csv-parse/sync')
  const text = path === '-' ? (await io.readStdin()).toString('utf8') : await readText(resolve(io.cwd, path))
  let records: { record: Record<string, string>; info: { lines: number } }[]
  try {
    records = parse(text, { columns: header => knownColumns(header), bom: true, trim: true, skip_empty_lines: true, info: true })
  } catch (error) {
    if (isFailure(error)) throw error
    throw new Failure('CSV_INVALID', wordsOf(error), { hint: `columns: ${COLUMNS.join(',')}` })
  }
  const folder = dirname(resolve(io.cwd, path))
  const mistakes: string[] = []
  const rows: TenantRow[] = []
  const lines = new Map<string, number>()
  for (const { record, info } of records) {
    try {
      const row = await rowOf(record, folder)
      const first = lines.get(row.slug)
      if (first !== undefined) throw new Failure('CSV_INVALID', `slug ${row.slug} is on line ${first} already`)
      lines.set(row.slug, info.lines)
      rows.push(row)
    } catch (error) {
      if (!isFailure(error)) throw error
      mistakes.push(`line ${info.lines}: ${error.message}`)
    }
  }
  if (mistakes.length > 0)
    throw new Failure('CSV_INVALID', mistakes.slice(0, MAX_MISTAKES).join('; '), { hint: 'nothing was created; mend the file' })
  if (rows.length === 0) throw new Failure('CSV_INVALID', 'the file names no tenant', { hint: `columns: ${COLUMNS.join(',')}` })
  return rows
}

async function rowOf(record: Record<string, string>, folder: string): Promise<TenantRow> {
  const { slug = '', name, placement, host, opml } = record
  parseSlug(slug)
  parseTenantName(name || slug)
  if (placement !== undefined && !['', 'dedicated', 'shared'].includes(placement))
    throw new Failure('CSV_INVALID', `placement ${placement} is not dedicated or shared`)
  const wishes = opml === undefined || opml === '' ? [] : await readOpmlFile(resolve(folder, opml))
  return { slug, name: name || slug, ...(placement ? { placement } : {}), ...(host ? { host } : {}), wishes }
}

function knownColumns(header: readonly string[]): string[] {
  const unknown = header.filter(column => !COLUMNS.includes(column))
  if (unknown.length > 0)
    throw new Failure('CSV_INVALID', `line 1: unknown column ${unknown.join(', ')}`, { hint: `columns: ${COLUMNS.join(',')}` })
  if (!header.includes('slug'))
    throw new Failure('CSV_INVALID', 'line 1: there is no column slug', { hint: `columns: ${COLUMNS.join(',')}` })
  return [...header]
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new Failure('FILE_UNREADABLE', `cannot read ${path}: ${wordsOf(error)}`, { cause: error })
  }
}
