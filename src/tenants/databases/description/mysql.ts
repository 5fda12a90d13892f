import { type RawBuilder, sql } from 'kysely'
import type { DatabaseName } from '../../ids.js'
import type { OpenDatabase } from '../driver.js'
import type { SchemaDescription } from './schema.js'

interface TableRow {
  name: string
  kind: string
  engine: string | null
  collation: string | null
}

interface ColumnRow {
  table: string
  name: string
  type: string
  nullable: string
  preset: string | null
  collation: string | null
  extra: string
  generation: string | null
}

interface IndexRow {
  table: string
  name: string
  other: number
  kind: string
  column: string | null
  prefix: number | null
}

/** Three statements; with the name of one database the server opens no other. */
export async function describeMysql<S>({ kysely }: OpenDatabase<S>, name: DatabaseName): Promise<SchemaDescription> {
  const rowsOf = async <Row>(query: RawBuilder<Row>) => (await query.execute(kysely)).rows
  const tables = await rowsOf(sql<TableRow>`
    select table_name as name, table_type as kind, engine as engine, table_collation as collation
    from information_schema.tables where table_schema = ${name}`)
  const columns = await rowsOf(sql<ColumnRow>`
    select table_name as \`table\`, column_name as name, column_type as type, is_nullable as nullable, column_default as preset,
      collation_name as collation, extra as extra, generation_expression as generation
    from information_schema.columns where table_schema = ${name}`)
  const indexes = await rowsOf(sql<IndexRow>`
    select table_name as \`table\`, index_name as name, non_unique as other, index_type as kind, column_name as \`column\`, sub_part as prefix
    from information_schema.statistics where table_schema = ${name} order by table_name, index_name, seq_in_index`)
  const parts = new Map(tables.map(table => [table.name, new Map<string, string>()]))
  for (const column of columns) parts.get(column.table)?.set(`column ${column.name}`, columnWords(column))
  for (const [table, name, words] of indexWords(indexes)) parts.get(table)?.set(name, words)
  return new Map(tables.map(table => [table.name, { table: tableWords(table), parts: parts.get(table.name) ?? new Map() }]))
}

function tableWords({ kind, engine, collation }: TableRow): string {
  return [kind === 'BASE TABLE' ? null : kind, engine, collation]
    .filter(word => word !== null)
    .join(' ')
    .toLowerCase()
}

function columnWords({ type, collation, nullable, preset, extra, generation }: ColumnRow): string {
  return [
    type,
    collation === null ? '' : `collate ${collation}`,
    nullable === 'YES' ? '' : 'not null',
    preset === null || preset === 'NULL' ? '' : `default ${preset}`,
    extra.toLowerCase(),
    generation === null || generation === '' ? '' : `as (${generation})`,
  ]
    .filter(word => word !== '')
    .join(' ')
}

function indexWords(rows: readonly IndexRow[]): [table: string, name: string, words: string][] {
  const byName = new Map<string, IndexRow[]>()
  for (const row of rows) {
    const key = `${row.table} ${row.name}`
    byName.set(key, [...(byName.get(key) ?? []), row])
  }
  return [...byName.values()].flatMap(columns => {
    const [first] = columns
    if (first === undefined) return []
    const names = columns.map(({ column, prefix }) => `${column ?? '?'}${prefix === null ? '' : `(${prefix})`}`)
    const words = `${Number(first.other) === 0 ? 'unique ' : ''}${first.kind.toLowerCase()} (${names.join(', ')})`
    return [[first.table, first.name === 'PRIMARY' ? 'primary key' : `index ${first.name}`, words]]
  })
}
