import { lstatSync, unlinkSync } from 'node:fs'
import type { Updateable } from 'kysely'
import { Failure, isFailure, wordsOf } from '../kernel/errors.js'
import type { MediaState, MediaTable } from '../tenants/databases/index.js'
import type { TenantTables } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import type { Bucket, LocalDisk } from './disks/driver.js'
import { identityOf } from './identity.js'
import { localIdentity } from './migration/local-files.js'
import { checkFolder, pathOf } from './migration/parts.js'
import { anew } from './migration/rows.js'
import { type MediaName, mediaKey } from './names.js'
import { uploadAgain } from './upload-again.js'

const PAGE = 200
const AT_ONCE = 8
/** `deleted` and due: claimed by a run that was killed before it had removed the file. */
const STATES = ['deleted', 'grace'] as const satisfies readonly MediaState[]

export interface PruneEvents {
  /** Only tells what would go, without a look at the bucket. */
  readonly dryRun: boolean
  readonly signal: AbortSignal
  readonly now: number
  readonly removed: (bytes: number) => void
  /** The local file is not the one that was migrated, and begins anew. */
  readonly changed: () => void
  readonly failed: (name: string, failure: Failure) => void
}

interface Due {
  readonly id: number
  readonly name: MediaName
  readonly state: MediaState
  readonly bytes: number
  readonly etag: string | null
  readonly identity: string | null
}

/** Removes the local copies of a tenant whose grace is over. Whoever calls it holds the lock of the migration. */
export class TenantPrune {
  constructor(
    private readonly disks: { readonly local: LocalDisk; readonly bucket: Bucket },
    private readonly tenant: Tenant,
    private readonly tables: TenantTables,
    private readonly events: PruneEvents,
  ) {}

  /** @throws {Failure} UNAVAILABLE, BUCKET_NOT_FOUND, BUCKET_REFUSED; the signal's reason */
  async run(): Promise<void> {
    for (const state of STATES) {
      for (let after = 0; ; ) {
        const rows = await this.due(state, after)
        const last = rows.at(-1)
        if (last === undefined) break
        if (this.events.dryRun) for (const { bytes } of rows) this.events.removed(bytes)
        else for (let start = 0; start < rows.length; start += AT_ONCE) await this.pruneSome(rows.slice(start, start + AT_ONCE))
        after = last.id
      }
    }
  }

  private async due(state: MediaState, after: number): Promise<Due[]> {
    const rows = await this.tables
      .media()
      .select(['id', 'name', 'state', 'bytes', 'etag', 'identity'])
      .where('state', '=', state)
      .where('delete_after', '<=', this.events.now)
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute()
    return rows as Due[]
  }

  private async pruneSome(rows: readonly Due[]): Promise<void> {
    this.events.signal.throwIfAborted()
    const ends = await Promise.allSettled(rows.map(row => this.pruneOne(row)))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  private async pruneOne(row: Due): Promise<void> {
    try {
      const identity = localIdentity(this.pathOf(row))
      if (identity === null) checkFolder(this.disks.local, this.tenant)
      else if (identity !== row.identity) return await this.beginAnew(row)
      const { signal } = this.events
      const stat = await this.disks.bucket.stat(mediaKey(this.tenant.id, row.name), signal)
      if (stat === null || stat.etag !== row.etag || stat.bytes !== row.bytes) await this.lost(row, identity !== null)
      else await this.remove(row)
    } catch (error) {
      if (!isFailure(error) || error.retry || error.code === 'BUCKET_NOT_FOUND' || error.code === 'BUCKET_REFUSED') throw error
      this.events.failed(row.name, error)
    }
  }

  /** The row is claimed before the file goes: one that another has moved meanwhile, or removed, is left alone. */
  private async remove(row: Due): Promise<void> {
    if (!(await this.move(row, { state: 'deleted' }))) return
    const claimed = { ...row, state: 'deleted' as const }
    if (!removeWhenSame(this.pathOf(row), row.identity)) return await this.beginAnew(claimed)
    await this.move(claimed, { identity: null, delete_after: null })
    this.events.removed(row.bytes)
  }

  private async beginAnew(row: Due): Promise<void> {
    if (await this.move(row, anew(this.events.now))) this.events.changed()
  }

  /** @throws {Failure} MEDIA_CORRUPT */
  private async lost(row: Due, isHere: boolean): Promise<never> {
    const fate = isHere ? 'its local copy stays, and the next migration uploads it again' : 'its local copy is gone as well'
    const failure = new Failure('MEDIA_CORRUPT', `the bucket does not have ${row.name} as it was uploaded: ${fate}`)
    if (isHere) await uploadAgain(this.tables, row, failure, this.events.now, STATES)
    throw failure
  }

  /** False when the row is not as it was read. */
  private async move({ id, state }: Due, columns: Updateable<MediaTable>): Promise<boolean> {
    const { now } = this.events
    const { numUpdatedRows } = await this.tables.transaction(tx =>
      tx
        .updateMedia()
        .set({ ...columns, state_at: now })
        .where('id', '=', id)
        .where('state', '=', state)
        .where('delete_after', '<=', now)
        .executeTakeFirst(),
    )
    return numUpdatedRows > 0n
  }

  private pathOf(row: Due): string {
    return pathOf(this.disks.local.folder, this.tenant, row)
  }
}

/** False when there is another file. One that is gone was removed before, by a run that was killed. @throws {Failure} MEDIA_UNREADABLE */
function removeWhenSame(path: string, identity: string | null): boolean {
  try {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (stat === undefined) return true
    if (identityOf(stat) !== identity) return false
    unlinkSync(path)
    return true
  } catch (error) {
    throw new Failure('MEDIA_UNREADABLE', `cannot remove ${path}: ${wordsOf(error)}`, { cause: error })
  }
}
