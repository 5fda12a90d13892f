import {
  type AliasNode,
  AndNode,
  BinaryOperationNode,
  ColumnNode,
  type DeleteQueryNode,
  IdentifierNode,
  type JoinNode,
  type KyselyPlugin,
  ListNode,
  type OperationNode,
  OperatorNode,
  ParensNode,
  type RawNode,
  ReferenceNode,
  type RootOperationNode,
  type SelectQueryNode,
  TableNode,
  type UpdateQueryNode,
  ValueNode,
} from 'kysely'
import { TENANT_TABLES } from './migrations/tenant.js'
import { rawText, refuseRawUnfiltered } from './raw-guard.js'

/**
 * Refuses every query that reads or changes a tenant table without naming its tenant: each such table must have `tenant_id = <value>`,
 * or the `tenant_id` of a table that has, among its conditions, in the WHERE or in the ON of a join. Raw SQL within it is
 * looked into as `refuseRawUnfiltered` does.
 * A refusal is a bug of feedctl, never an operator's.
 */
export const tenantGuard: KyselyPlugin = {
  transformQuery({ node }): RootOperationNode {
    for (const query of queriesIn(node)) refuseUnfiltered(query)
    return node
  },
  async transformResult({ result }) {
    return result
  },
}

type Filtered = SelectQueryNode | UpdateQueryNode | DeleteQueryNode

/** It looks at every statement there is: no generators, no lists of parts. */
function queriesIn(node: unknown, found: Filtered[] = []): Filtered[] {
  if (typeof node !== 'object' || node === null) return found
  const { kind } = node as { kind?: unknown }
  if (kind === 'RawNode') refuseRawUnfiltered(rawText(node as RawNode))
  if (kind === 'SelectQueryNode' || kind === 'UpdateQueryNode' || kind === 'DeleteQueryNode') found.push(node as Filtered)
  // What has no queries in it, and is most of what there is.
  if (kind === 'IdentifierNode' || kind === 'ValueNode' || kind === 'PrimitiveValueListNode') return found
  for (const key in node) queriesIn((node as Record<string, unknown>)[key], found)
  return found
}

/** The `tenant_id` of the table of this alias is a value, or that of another table (`from`). '' is a column named without its table. */
interface Filter {
  readonly alias: string
  readonly from: string | null
}

function refuseUnfiltered(query: Filtered): void {
  const joins = query.joins ?? []
  const tables = [...tablesOf(query), ...joins.map(join => named(join.table))].filter(table => TENANT_TABLES.has(table.name))
  if (tables.length === 0) return
  const filtered = aliasesOf([...filtersIn(query.where?.where), ...joins.flatMap(filtersOfJoin)])
  for (const table of tables) {
    if (filtered.has(table.alias) || (tables.length === 1 && filtered.has(''))) continue
    throw new Error(`a query on ${table.name} does not name its tenant`)
  }
}

function aliasesOf(filters: readonly Filter[]): Set<string> {
  const aliases = new Set<string>()
  for (let before = -1; before < aliases.size; ) {
    before = aliases.size
    for (const { alias, from } of filters) if (from === null || aliases.has(from)) aliases.add(alias)
  }
  return aliases
}

/** An inner join's condition holds for every row; a left join's only for what it joins; others let everything in. */
function filtersOfJoin(join: JoinNode): Filter[] {
  const filters = filtersIn(join.on?.on)
  if (join.joinType === 'InnerJoin') return filters
  const { alias } = named(join.table)
  return join.joinType === 'LeftJoin' ? filters.filter(filter => filter.alias === alias) : []
}

function tablesOf(query: Filtered): { name: string; alias: string }[] {
  const update = query.kind === 'UpdateQueryNode' && query.table !== undefined ? [query.table] : []
  const using = query.kind === 'DeleteQueryNode' ? (query.using?.tables ?? []) : []
  const all = [...update, ...(query.from?.froms ?? []), ...using]
  return all.flatMap(node => (ListNode.is(node) ? node.items : [node])).map(named)
}

function named(node: OperationNode): { name: string; alias: string } {
  if (TableNode.is(node)) {
    const name = node.table.identifier.name
    return { name, alias: name }
  }
  if (node.kind === 'AliasNode') {
    const { node: inner, alias } = node as AliasNode
    return { name: named(inner).name, alias: IdentifierNode.is(alias) ? alias.name : '' }
  }
  return { name: '', alias: '' }
}

function filtersIn(node: OperationNode | undefined): Filter[] {
  if (node === undefined) return []
  if (AndNode.is(node)) return [...filtersIn(node.left), ...filtersIn(node.right)]
  if (ParensNode.is(node)) return filtersIn(node.node)
  if (!BinaryOperationNode.is(node) || !OperatorNode.is(node.operator) || node.operator.operator !== '=') return []
  const { leftOperand, rightOperand } = node
  return [...filterBy(leftOperand, rightOperand), ...filterBy(rightOperand, leftOperand)]
}

function filterBy(column: OperationNode, other: OperationNode): Filter[] {
  const alias = tenantColumnOf(column)
  if (alias === null) return []
  const from = tenantColumnOf(other)
  return from === null && !ValueNode.is(other) ? [] : [{ alias, from }]
}

/** The alias before `.tenant_id`; null for anything else. */
function tenantColumnOf(node: OperationNode): string | null {
  if (!ReferenceNode.is(node) || !ColumnNode.is(node.column) || node.column.column.name !== 'tenant_id') return null
  return node.table === undefined ? '' : node.table.table.identifier.name
}
