import { isUtf8 } from 'node:buffer'
import type { Hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { type Header, invalid, newHash } from './format.js'
import { parseHeader } from './header.js'
import { eachLine } from './lines.js'
import { isObject } from './rules.js'
import { SECTIONS, type Section } from './sections.js'
import type { Row } from './snapshot.js'

/** Rows that are handed on together, and what they have of bytes, unless one has more. */
const ROWS_AT_ONCE = 1_000
const BYTES_AT_ONCE = 1024 * 1024

export interface TransferTaker {
  header?(header: Header): void
  /** The next rows of a table, in the order of its key; their `tenant_id` is not among their columns. */
  rows(section: Section, rows: readonly Row[]): Promise<void> | void
}

export interface TransferSum {
  readonly header: Header
  /** Rows of each table. */
  readonly rows: Readonly<Record<string, number>>
}

/**
 * Reads a file from its first line to its seal. Rows that are handed on have the columns and kinds of values that their table wants, and no two the same key;
 * that the file is whole is known when this resolves. @throws {Failure} EXPORT_INVALID, which says where; those of `into`, the signal's reason
 */
export async function readTransfer(bytes: Readable, into: TransferTaker, signal: AbortSignal): Promise<TransferSum> {
  const reading = new Reading(into)
  await eachLine(bytes, line => reading.take(line), signal)
  return reading.end()
}

interface OpenSection {
  readonly section: Section
  readonly columns: readonly string[]
  readonly sum: Hash
  count: number
  last: Row | null
  rows: Row[]
  bytes: number
}

class Reading {
  private readonly whole = newHash()
  private readonly counts: Record<string, number> = {}
  private header: Header | null = null
  private open: OpenSection | null = null
  private done = 0
  private total = 0
  private ended = false

  constructor(private readonly into: TransferTaker) {}

  async take(line: Buffer): Promise<void> {
    if (this.ended) throw invalid('after the last line', 'is more')
    const value = parse(line, this.where())
    if (this.header === null) {
      this.header = parseHeader(value)
      this.into.header?.(this.header)
    } else if (this.open === null && isObject(value) && value.end === 'tenant') return this.takeTrailer(value)
    else if (this.open === null) this.begin(value, this.header)
    else if (Array.isArray(value)) await this.takeRow(this.open, value, line)
    else await this.finish(this.open, value)
    this.whole.update(line).update('\n')
  }

  end(): TransferSum {
    if (this.header === null || !this.ended) throw invalid(this.where(), 'the file ends here')
    return { header: this.header, rows: this.counts }
  }

  private where(): string {
    if (this.header === null) return 'the first line'
    if (this.open !== null) return `${this.open.section.table}, row ${this.open.count + 1}`
    return this.done === 0 ? 'behind the header' : `behind ${SECTIONS[this.done - 1]?.table}`
  }

  private begin(value: unknown, header: Header): void {
    let section = SECTIONS[this.done]
    // Tables that its feedctl did not know yet.
    while (section !== undefined && section.since > header.schema) {
      this.counts[section.table] = 0
      section = SECTIONS[++this.done]
    }
    if (section === undefined || !isObject(value) || value.table !== section.table)
      throw invalid(this.where(), `expected ${section === undefined ? 'the end' : `the table ${section.table}`}`)
    this.open = {
      section,
      columns: columnsOf(section, value.columns, header),
      sum: newHash(),
      count: 0,
      last: null,
      rows: [],
      bytes: 0,
    }
  }

  private async takeRow(open: OpenSection, values: readonly unknown[], line: Buffer): Promise<void> {
    const row = rowOf(open, values, this.where())
    if (open.last !== null && !isAfter(open.section.key, open.last, row))
      throw invalid(this.where(), 'is not behind the row before it')
    open.sum.update(line).update('\n')
    open.last = row
    open.count++
    open.rows.push(row)
    open.bytes += line.length
    if (open.rows.length >= ROWS_AT_ONCE || open.bytes >= BYTES_AT_ONCE) await this.handOn(open)
  }

  private async handOn(open: OpenSection): Promise<void> {
    const { rows } = open
    open.rows = []
    open.bytes = 0
    if (rows.length > 0) await this.into.rows(open.section, rows)
  }

  private async finish(open: OpenSection, value: unknown): Promise<void> {
    const { table } = open.section
    if (!isObject(value) || value.end !== table) throw invalid(this.where(), 'is neither a row nor the end of the table')
    if (value.rows !== open.count) throw invalid(table, `has ${open.count} rows, not ${String(value.rows).slice(0, 20)}`)
    if (value.sha256 !== open.sum.digest('hex')) throw invalid(table, 'its rows do not have the SHA-256 that it names')
    await this.handOn(open)
    this.counts[table] = open.count
    this.total += open.count
    this.done++
    this.open = null
  }

  private takeTrailer(value: Row): void {
    const known = SECTIONS.filter(section => section.since <= (this.header?.schema ?? 0))
    if (this.done < known.length) throw invalid(this.where(), `expected the table ${SECTIONS[this.done]?.table}`)
    if (value.tables !== known.length || value.rows !== this.total) throw invalid('the last line', 'does not sum the tables up')
    if (value.sha256 !== this.whole.digest('hex'))
      throw invalid('the last line', 'its SHA-256 is not that of the lines before it')
    for (const section of SECTIONS) this.counts[section.table] ??= 0
    this.ended = true
  }
}

function parse(line: Buffer, where: string): unknown {
  if (!isUtf8(line)) throw invalid(where, 'is not UTF-8')
  try {
    return JSON.parse(line.toString())
  } catch (error) {
    throw invalid(where, 'is not JSON', error)
  }
}

function columnsOf(section: Section, named: unknown, header: Header): string[] {
  const { table, columns, later } = section
  const names: readonly unknown[] = Array.isArray(named) ? named : []
  const unknown = names.find(name => typeof name !== 'string' || !Object.hasOwn(columns, name))
  if (unknown !== undefined) throw invalid(table, `has a column ${JSON.stringify(unknown).slice(0, 40)}, which is not known`)
  if (new Set(names).size < names.length) throw invalid(table, 'names a column twice')
  const missing = Object.keys(columns).find(name => !names.includes(name) && (later[name] ?? section.since) <= header.schema)
  if (missing !== undefined) throw invalid(table, `has no column ${missing}`)
  return names as string[]
}

function rowOf({ section, columns }: OpenSection, values: readonly unknown[], where: string): Row {
  if (values.length !== columns.length) throw invalid(where, `has ${values.length} values for ${columns.length} columns`)
  const row: Record<string, unknown> = {}
  for (const name of Object.keys(section.columns)) row[name] = null
  for (const [index, name] of columns.entries()) {
    const value = section.bytes.includes(name) ? bytesOf(values[index]) : values[index]
    const fault = section.columns[name]?.(value) ?? null
    if (fault !== null) throw invalid(where, `${name} ${fault}`)
    row[name] = value
  }
  return row
}

/** The value itself where it is no base64. */
function bytesOf(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const bytes = Buffer.from(value, 'base64')
  return bytes.toString('base64') === value ? bytes : value
}

function isAfter(key: readonly string[], before: Row, row: Row): boolean {
  for (const name of key) {
    const [one, other] = [before[name] as number | string, row[name] as number | string]
    if (one !== other) return one < other
  }
  return false
}
