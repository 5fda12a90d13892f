import {
  type AliasNode,
  AndNode,
  BinaryOperationNode,
  ColumnNode,
  type DeleteQueryNode,
  type FromNode,
  IdentifierNode,
  type JoinNode,
  type KyselyPlugin,
  type OperationNode,
  OperatorNode,
  ParensNode,
  ReferenceNode,
  type RootOperationNode,
  type SelectQueryNode,
  TableNode,
  type UpdateQueryNode,
} from 'kysely'
import { TENANT_TABLES } from './migrations/tenant.js'

/**
 * Refuses every query that reads or changes a tenant table without naming its tenant: each such table must have
 * `tenant_id = ...` among its conditions, in the WHERE or in the ON of its join. A refusal is a bug of feedctl, never an operator's.
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

function* queriesIn(node: unknown): Generator<Filtered> {
  if (typeof node !== 'object' || node === null) return
  if (Array.isArray(node)) {
    for (const part of node) yield* queriesIn(part)
    return
  }
  const { kind } = node as { kind?: unknown }
  if (kind === 'SelectQueryNode' || kind === 'UpdateQueryNode' || kind === 'DeleteQueryNode') yield node as Filtered
  if (kind === 'PrimitiveValueListNode' || kind === 'ValueNode') return
  for (const part of Object.values(node)) yield* queriesIn(part)
}

function refuseUnfiltered(query: Filtered): void {
  const joins = query.joins ?? []
  const tables = [...tablesOf(query), ...joins.map(join => named(join.table))].filter(table => TENANT_TABLES.has(table.name))
  if (tables.length === 0) return
  const filtered = new Set<string>(tenantFilters(query.where?.where))
  for (const join of joins) for (const alias of tenantFilters((join as JoinNode).on?.on)) filtered.add(alias)
  for (const table of tables) {
    if (filtered.has(table.alias) || (tables.length === 1 && filtered.has(''))) continue
    throw new Error(`a query on ${table.name} does not name its tenant`)
  }
}

function tablesOf(query: Filtered): { name: string; alias: string }[] {
  if (query.kind === 'UpdateQueryNode') return query.table === undefined ? [] : [named(query.table)]
  return ((query.from as FromNode | undefined)?.froms ?? []).map(named)
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

/** Aliases of the tables whose `tenant_id` this condition fixes; '' where the column is named without its table. */
function tenantFilters(node: OperationNode | undefined): string[] {
  if (node === undefined) return []
  if (AndNode.is(node)) return [...tenantFilters(node.left), ...tenantFilters(node.right)]
  if (ParensNode.is(node)) return tenantFilters(node.node)
  if (!BinaryOperationNode.is(node) || !OperatorNode.is(node.operator) || node.operator.operator !== '=') return []
  return [node.leftOperand, node.rightOperand].flatMap(side => {
    if (!ReferenceNode.is(side) || !ColumnNode.is(side.column) || side.column.column.name !== 'tenant_id') return []
    return [side.table === undefined ? '' : side.table.table.identifier.name]
  })
}
