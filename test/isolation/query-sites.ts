import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import ts from 'typescript'
import { TenantRows } from '../../src/tenants/tenant-rows.js'
import { TenantWriter } from '../../src/tenants/tenant-writer.js'

const ROOT = resolve(import.meta.dirname, '../..')

/** What handles on a tenant's rows are called in the source, wherever they are. */
const HANDLE_NAMES: ReadonlySet<string> = new Set(['tables', 'tx'])
const HANDLE_TYPES: ReadonlySet<string> = new Set(['TenantRows', 'TenantTables', 'TenantWriter'])
/** Who hands one to the function that it is given. */
const GIVERS: ReadonlySet<string> = new Set([
  'withTenant',
  'withTablesOf',
  'withRemoval',
  'transaction',
  'asWriter',
  'onTables',
  'journal',
])

/** The methods that begin a query on a tenant's rows. */
export const QUERY_METHODS: readonly string[] = [TenantRows, TenantWriter].flatMap(handle =>
  Object.entries(Object.getOwnPropertyDescriptors(handle.prototype))
    .filter(([name, { value }]) => name !== 'constructor' && typeof value === 'function')
    .map(([name]) => name),
)

/** Where such a method is called: `src/feeds/store.ts:61 posts`. */
export type QuerySite = string

export interface Source {
  readonly sites: readonly QuerySite[]
  /** Where a handle has another name than those by which the sites are found. */
  readonly misnamed: readonly string[]
}

/** Every place in the source where a query on a tenant's rows begins. */
export function readSource(): Source {
  const [sites, misnamed]: [string[], string[]] = [[], []]
  for (const path of sourceFiles()) {
    if (/^src\/tenants\/tenant-(rows|writer)\.ts$/.test(path)) continue
    const file = ts.createSourceFile(path, readFileSync(resolve(ROOT, path), 'utf8'), ts.ScriptTarget.Latest, true)
    const at = (node: ts.Node) => `${path}:${file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1}`
    const visit = (node: ts.Node): void => {
      const site = siteOf(node)
      if (site !== null) sites.push(`${at(site)} ${site.text}`)
      for (const name of handlesIn(node)) if (!HANDLE_NAMES.has(name.text)) misnamed.push(`${at(name)} ${name.text}`)
      ts.forEachChild(node, visit)
    }
    visit(file)
  }
  return { sites, misnamed }
}

function sourceFiles(): string[] {
  const files = ['src', 'commands'].flatMap(folder =>
    readdirSync(resolve(ROOT, folder), { recursive: true }).map(path => join(folder, String(path))),
  )
  return files.filter(path => path.endsWith('.ts')).sort()
}

/** The name of the method, of a call that is a site. */
function siteOf(node: ts.Node): ts.MemberName | null {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return null
  const { name, expression } = node.expression
  if (!QUERY_METHODS.includes(name.text)) return null
  const owner = ts.isPropertyAccessExpression(expression)
    ? expression.name.text
    : ts.isIdentifier(expression)
      ? expression.text
      : ''
  return HANDLE_NAMES.has(owner) ? name : null
}

/** Names that are given to handles: of parameters and properties of their types, and of the first parameter of what is given to who hands one out. */
function handlesIn(node: ts.Node): ts.Identifier[] {
  if (ts.isParameter(node) || ts.isPropertySignature(node) || ts.isPropertyDeclaration(node) || ts.isVariableDeclaration(node)) {
    const { type, name } = node
    const isHandle = type !== undefined && ts.isTypeReferenceNode(type) && HANDLE_TYPES.has(type.typeName.getText())
    return isHandle && ts.isIdentifier(name) ? [name] : []
  }
  if (!ts.isCallExpression(node)) return []
  const { expression } = node
  const giver = ts.isPropertyAccessExpression(expression)
    ? expression.name.text
    : ts.isIdentifier(expression)
      ? expression.text
      : ''
  if (!GIVERS.has(giver)) return []
  return node.arguments.flatMap(argument => {
    const name = ts.isArrowFunction(argument) ? argument.parameters[0]?.name : undefined
    return name !== undefined && ts.isIdentifier(name) ? [name] : []
  })
}
