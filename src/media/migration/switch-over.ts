import { Failure, isFailure } from '../../kernel/errors.js'
import type { Tenant } from '../../tenants/tenant.js'
import type { TenantJournal } from './journal.js'
import { localIdentity } from './local-files.js'
import { checkFolder, journaled, type MigrationParts, pathOf } from './parts.js'
import { anew, type MediaRow, rowsOf } from './rows.js'

const PAGE = 500
const FATES = ['same', 'gone', 'changed'] as const

/**
 * Makes the bucket the place of verified files whose local copy is still what was hashed. Those whose copy changed meanwhile begin anew, and are
 * failures of the run when that was the last time; those whose copy is gone are in the bucket only. Answers whether any begins anew.
 * @throws {Failure} UNAVAILABLE when the folder is away
 */
export async function switchOver(
  parts: MigrationParts,
  tenant: Tenant,
  journal: TenantJournal,
  isLast: boolean,
): Promise<boolean> {
  let again = false
  for (let after = 0; ; ) {
    const rows = await journaled(rowsOf(journal.tables, 'verified', after, PAGE))
    const last = rows.at(-1)
    if (last === undefined) return again
    parts.stop.throwIfAborted()
    const fates = rows.map(row => fateOf(parts, tenant, row))
    const [same, gone, changed] = FATES.map(fate => rows.filter((_, index) => fates[index] === fate)) as [
      MediaRow[],
      MediaRow[],
      MediaRow[],
    ]
    if (gone.length > 0) checkFolder(parts, tenant)
    parts.tally.files.migrated += await journaled(journal.move(idsOf(same), 'verified', { state: 'switched' }))
    parts.tally.files.migrated += await journaled(journal.move(idsOf(gone), 'verified', { state: 'deleted', identity: null }))
    parts.tally.bytes += [...same, ...gone].reduce((sum, row) => sum + row.bytes, 0)
    for (const row of changed) {
      again = true
      await journaled(journal.move([row.id], 'verified', anew(parts.now())))
      if (!isLast) continue
      const failure = new Failure('MEDIA_CHANGED', `${row.name} changed while it was uploaded`)
      await journaled(journal.failed(row, failure))
      parts.tally.failed(tenant.slug, row.name, failure)
    }
    after = last.id
  }
}

function idsOf(rows: readonly MediaRow[]): number[] {
  return rows.map(row => row.id)
}

function fateOf({ folder }: MigrationParts, tenant: Tenant, row: MediaRow): (typeof FATES)[number] {
  try {
    const identity = localIdentity(pathOf(folder, tenant, row))
    return identity === null ? 'gone' : identity === row.identity ? 'same' : 'changed'
  } catch (error) {
    if (isFailure(error)) return 'changed'
    throw error
  }
}

/** Lets the local copies of all switched files go at that moment. */
export async function beginGrace(journal: TenantJournal, deleteAfter: number): Promise<void> {
  for (let after = 0; ; ) {
    const rows = await journaled(rowsOf(journal.tables, 'switched', after, PAGE))
    const last = rows.at(-1)
    if (last === undefined) return
    await journaled(journal.move(idsOf(rows), 'switched', { state: 'grace', delete_after: deleteAfter }))
    after = last.id
  }
}
