import { IdentifierNode, type OperationNode, RawNode, TableNode } from 'kysely'
import { TENANT_TABLES } from './migrations/tenant.js'

/** Statements of a megabyte are many rows: what they do stands at their beginning. */
const HEAD_CHARACTERS = 2_000

const NAMES = [...TENANT_TABLES].join('|')
const TABLE = String.raw`(?:[\`"]?[\w-]+[\`"]?\s*\.\s*)?[\`"]?(${NAMES})\b[\`"]?`
const INSERT = new RegExp(String.raw`^\s*(?:insert|replace)\b(?:\s+(?:ignore|or\s+\w+))?\s+into\s+${TABLE}\s*(\([^)]*\))?`, 'i')
const READ_OR_CHANGED = new RegExp(String.raw`\b(?:from|join|update|into|truncate|table)\s+${TABLE}`, 'gi')
/** A further table of a list. */
const LISTED = new RegExp(String.raw`\bfrom\s+[\w\x60".-]+(?:\s+(?:as\s+)?[\w\x60"]+)?\s*,\s*${TABLE}`, 'gi')
const FILTER = /\b(?:where|and|on)\s+\(?(?:[\w`"]+\.)?[`"]?tenant_id[`"]?\s*=\s*(?:\?|\d+\b)/gi
const ABOUT_SCHEMAS = /\binformation_schema`?\s*\.(?!\s*`?processlist\b)/i
const ONE_SCHEMA = /\b(?:schema_name|table_schema|constraint_schema)`?\s*=\s*\?/i
const DEFINITION = /^\s*(?:create|alter|drop)\b/i
const OF_ALL = /^\s*\/\* of all tenants \*\/\s*select\b/i

/**
 * Refuses SQL that was written by hand and names a tenant table without naming its tenant: for each table that it reads or changes it must have a
 * `tenant_id = ?` of its own, and rows that it inserts must have the column. Tables may be defined, and a select that
 * begins with the comment `of all tenants` may read those of all; a test names who has one. What asks about schemas must name one: the server would walk
 * all of them. A refusal is a bug of feedctl, never an operator's.
 */
export function refuseRawUnfiltered(text: string): void {
  const head = text.length > HEAD_CHARACTERS ? text.slice(0, HEAD_CHARACTERS) : text
  if (ABOUT_SCHEMAS.test(head) && !ONE_SCHEMA.test(head))
    throw new Error('a statement that was written by hand looks at every schema of the server')
  if (DEFINITION.test(head) || OF_ALL.test(head)) return
  const insert = INSERT.exec(head)
  if (insert !== null) {
    const [whole, table = '', columns = ''] = insert
    if (!/\btenant_id\b/.test(columns)) throw unfiltered(table)
    const values = text.slice(whole.length, whole.length + HEAD_CHARACTERS)
    if (/^\s*\(?\s*(?:select|with)\b/i.test(values)) refuseReads(text.slice(whole.length))
    return
  }
  refuseReads(text)
}

/** What is written by hand in a node of a query, with the names in it; values are question marks. */
export function rawText({ sqlFragments, parameters }: RawNode): string {
  return sqlFragments.map((fragment, place) => fragment + textOf(parameters[place])).join('')
}

function textOf(node: OperationNode | undefined): string {
  if (node === undefined) return ''
  if (RawNode.is(node)) return rawText(node)
  if (TableNode.is(node)) return node.table.identifier.name
  return IdentifierNode.is(node) ? node.name : '?'
}

function refuseReads(text: string): void {
  const tables = [...text.matchAll(READ_OR_CHANGED), ...text.matchAll(LISTED)]
  const [first] = tables
  if (first !== undefined && (text.match(FILTER) ?? []).length < tables.length) throw unfiltered(first[1] ?? '')
}

function unfiltered(table: string): Error {
  return new Error(`a statement on ${table} that was written by hand does not name its tenant`)
}
