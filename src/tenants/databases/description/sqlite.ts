import { sql } from 'kysely'
import type { OpenDatabase } from '../driver.js'
import type { SchemaDescription, TableDescription } from './schema.js'

interface Row {
  type: string
  name: string
  table: string
  text: string
}

const CONSTRAINTS = new Set(['primary', 'unique', 'check', 'constraint', 'foreign'])

/** By the statements that made what is there: nothing else tells how a generated column is worked out. */
export async function describeSqlite<S>({ kysely }: OpenDatabase<S>): Promise<SchemaDescription> {
  const { rows } = await sql<Row>`
    select type, name, tbl_name as "table", sql as text from sqlite_master where sql is not null and name not like 'sqlite\\_%' escape '\\'
    order by type desc, name`.execute(kysely)
  const tables = new Map<string, { table: string; parts: Map<string, string> }>()
  for (const { type, name, text } of rows) {
    if (type === 'table') tables.set(name, tableOf(text))
    else if (type !== 'index') tables.set(name, { table: `${type}: ${plain(text)}`, parts: new Map() })
  }
  for (const { type, name, table, text } of rows)
    if (type === 'index') tables.get(table)?.parts.set(`index ${name}`, indexOf(text))
  return tables
}

/** A column that was added later stands behind the last constraint, so that the order tells nothing. */
function tableOf(text: string): { table: string; parts: Map<string, string> } {
  const [, body = '', suffix = ''] = /^[^(]*\(([\s\S]*)\)([^)]*)$/.exec(text) ?? []
  const parts: TableDescription['parts'] & Map<string, string> = new Map()
  for (const definition of splitAtCommas(body).map(plain)) {
    const [first = ''] = definition.split(/[ (]/, 1)
    if (CONSTRAINTS.has(first)) parts.set(first === 'primary' ? 'primary key' : definition, definition)
    else parts.set(`column ${first}`, definition.slice(first.length).trim() || 'of any type')
  }
  return { table: plain(suffix) || 'with rowid', parts }
}

function indexOf(text: string): string {
  const unique = /^create unique/i.test(text) ? 'unique ' : ''
  return `${unique}${plain(text.slice(text.indexOf('(')))}`
}

/** Pieces between the commas that are in no brackets and no quotes. */
function splitAtCommas(text: string): string[] {
  const pieces: string[] = []
  let [start, depth] = [0, 0]
  let quote: string | null = null
  for (const [at, character] of [...text].entries()) {
    if (quote !== null) quote = character === quote ? null : quote
    else if (character === "'" || character === '"' || character === '`') quote = character
    else if (character === '(') depth++
    else if (character === ')') depth--
    else if (character === ',' && depth === 0) {
      pieces.push(text.slice(start, at))
      start = at + 1
    }
  }
  return [...pieces, text.slice(start)]
}

/** One line in lower case, with single spaces and without quoted names. */
function plain(text: string): string {
  return text
    .replaceAll(/["`]/g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([(),]) ?/g, '$1')
    .trim()
    .toLowerCase()
}
