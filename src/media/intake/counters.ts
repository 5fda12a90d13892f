import type { TenantRows } from '../../tenants/tenant-rows.js'
import type { TenantWriter } from '../../tenants/tenant-writer.js'

/** The post that would be stored next, and the one that is looked at next; null where none is ever looked at. */
export async function countersOf(tables: TenantRows): Promise<{ next: number; cursor: number | null }> {
  const rows = await tables.counters().select(['name', 'next']).where('name', 'in', ['posts', 'media_posts']).execute()
  const of = (name: string) => rows.find(row => row.name === name)?.next
  return { next: of('posts') ?? 1, cursor: of('media_posts') ?? null }
}

export async function moveCursor(tx: TenantWriter, next: number): Promise<void> {
  await tx.insert('counters', [{ name: 'media_posts', next }], { key: ['tenant_id', 'name'], replace: ['next'] })
}
