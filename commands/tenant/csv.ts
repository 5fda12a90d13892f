import { createReadStream } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Readable } from 'node:stream'
import type { Io } from '../../src/cli/io.js'
import type { FeedWish } from '../../src/feeds/subscriptions.js'
import { Failure, isFailure, wordsOf } from '../../src/kernel/errors.js'
import { parseSlug, parseTenantName } from '../../src/tenants/ids.js'
import { readOpmlFile } from '../feed/opml-file.js'

/** A line of the file; null where a cell is empty or its column missing. */
export interface TenantLine {
  readonly slug: string
  /** The slug where there is none. */
  readonly name: string
  readonly placement: string | null
  readonly host: string | null
  readonly region: string | null
  /** Absolute path of its OPML file. */
  readonly opml: string | null
}

/** What a whole file came to. */
export interface CsvFacts {
  readonly tenants: number
  readonly hasFeeds: boolean
}

const COLUMNS = ['slug', 'name', 'placement', 'host', 'region', 'opml']
const MAX_MISTAKES = 20

/** What throws where there is no such host, and none in such a region. */
export type RefusePlace = Readonly<Record<'host' | 'region', (name: string) => Promise<unknown>>>

/**
 * A CSV of tenants, read line by line and as often as is asked; of one that is piped in the bytes are kept. Paths of OPML files are relative to it.
 * Of all its lines only the slugs are held at the same time, and only while it is checked.
 */
export class TenantsCsv {
  private piped: Promise<Buffer> | null = null

  constructor(
    private readonly path: string,
    private readonly io: Io,
  ) {}

  /** Looks at every line, and at the OPML files that they name. @throws {Failure} CSV_INVALID naming the mistakes by their lines; HOST_NOT_FOUND; FILE_UNREADABLE */
  async check(refuse: RefusePlace): Promise<CsvFacts> {
    const mistakes: string[] = []
    const lines = new Map<string, number>()
    const refused = new Map<string, Promise<unknown>>()
    let hasFeeds = false
    for await (const [row, line] of this.records()) {
      try {
        const { slug, opml } = checked(row)
        const first = lines.get(slug)
        if (first !== undefined) throw new Failure('CSV_INVALID', `slug ${slug} is on line ${first} already`)
        lines.set(slug, line)
        for (const kind of ['host', 'region'] as const) {
          const name = row[kind]
          if (name === null) continue
          const known = refused.get(`${kind} ${name}`) ?? refuse[kind](name)
          refused.set(`${kind} ${name}`, known)
          await known
        }
        if (opml !== null) hasFeeds = (await readOpmlFile(opml)).length > 0 || hasFeeds
      } catch (error) {
        if (!isFailure(error)) throw error
        mistakes.push(`line ${line}: ${error.message}`)
        if (mistakes.length === MAX_MISTAKES) break
      }
    }
    if (mistakes.length > 0) throw new Failure('CSV_INVALID', mistakes.join('; '), { hint: 'nothing was created; mend the file' })
    if (lines.size === 0) throw new Failure('CSV_INVALID', 'the file names no tenant', { hint: `columns: ${COLUMNS.join(',')}` })
    return { tenants: lines.size, hasFeeds }
  }

  /** Its lines, in order. @throws {Failure} CSV_INVALID when it is not as it was when it was checked */
  async *lines(): AsyncGenerator<TenantLine> {
    for await (const [row] of this.records()) yield checked(row)
  }

  private async *records(): AsyncGenerator<[row: TenantLine, line: number]> {
    const { parse } = await import('csv-parse')
    const source = await this.open()
    const parser = parse({ columns: knownColumns, bom: true, trim: true, skip_empty_lines: true, info: true })
    source.on('error', error => {
      const hint = '--from with the path of a CSV file, or - for stdin'
      parser.destroy(new Failure('FILE_UNREADABLE', `cannot read ${this.path}: ${wordsOf(error)}`, { cause: error, hint }))
    })
    const folder = dirname(resolve(this.io.cwd, this.path))
    try {
      for await (const { record, info } of source.pipe(parser) as AsyncIterable<CsvRecord>)
        yield [rowOf(record, folder), info.lines]
    } catch (error) {
      if (isFailure(error)) throw error
      throw new Failure('CSV_INVALID', wordsOf(error), { hint: `columns: ${COLUMNS.join(',')}` })
    } finally {
      source.destroy()
      parser.destroy()
    }
  }

  private async open(): Promise<Readable> {
    if (this.path !== '-') return createReadStream(resolve(this.io.cwd, this.path))
    this.piped ??= this.io.readStdin()
    return Readable.from([await this.piped])
  }
}

interface CsvRecord {
  readonly record: Readonly<Record<string, string>>
  readonly info: { readonly lines: number }
}

/** The feeds that the line's OPML file names. @throws {Failure} FILE_UNREADABLE, OPML_TOO_LARGE, OPML_INVALID */
export async function wishesOfLine({ opml }: TenantLine): Promise<FeedWish[]> {
  return opml === null ? [] : readOpmlFile(opml)
}

function rowOf({ slug = '', name, placement, host, region, opml }: CsvRecord['record'], folder: string): TenantLine {
  return {
    slug,
    name: name || slug,
    placement: placement || null,
    host: host || null,
    region: region || null,
    opml: opml ? resolve(folder, opml) : null,
  }
}

function checked(row: TenantLine): TenantLine {
  parseSlug(row.slug)
  parseTenantName(row.name)
  if (row.placement !== null && row.placement !== 'dedicated' && row.placement !== 'shared')
    throw new Failure('CSV_INVALID', `placement ${row.placement} is not dedicated or shared`, { hint: 'mend the file' })
  if (row.host !== null && row.region !== null)
    throw new Failure('CSV_INVALID', 'a host and a region: one of them', { hint: 'mend the file' })
  return row
}

function knownColumns(header: readonly string[]): string[] {
  const unknown = header.filter(column => !COLUMNS.includes(column))
  if (unknown.length > 0)
    throw new Failure('CSV_INVALID', `line 1: unknown column ${unknown.join(', ')}`, { hint: `columns: ${COLUMNS.join(',')}` })
  if (!header.includes('slug'))
    throw new Failure('CSV_INVALID', 'line 1: there is no column slug', { hint: `columns: ${COLUMNS.join(',')}` })
  return [...header]
}
