import { Batcher } from '../../kernel/batcher.js'
import type { Clock } from '../../kernel/clock.js'
import type { Failure } from '../../kernel/errors.js'
import type { MediaState } from '../../tenants/databases/index.js'
import type { TenantTables } from '../../tenants/tables.js'
import type { TenantWriter } from '../../tenants/tenant-writer.js'
import type { Upload } from '../disks/driver.js'
import type { MediaRow } from './rows.js'

/** What was found out about a file when it was read. */
export interface FileFacts {
  readonly bytes: number
  readonly sha256: string
  readonly md5: string
  readonly type: string
  readonly identity: string
}

type Entry =
  | ({ readonly kind: 'uploading'; readonly id: number } & FileFacts)
  | { readonly kind: 'uploaded'; readonly id: number; readonly etag: string }

/** Ids of one statement: few lengths, so that statements stay prepared. */
const IDS = [8, 200]
const BATCH = { maxSize: 256, lingerMs: 20 }
const WORDS_KEPT = 500
const UPLOADED = {
  state: 'uploaded',
  upload_id: null,
  parts: null,
  attempts: 0,
  failure_code: null,
  failure_message: null,
} as const

/** The steps of a tenant's files, written many at a time; each call resolves when its step cannot be lost any more. */
export class TenantJournal {
  private readonly steps: Batcher<Entry, boolean>

  constructor(
    readonly tables: TenantTables,
    private readonly now: Clock,
  ) {
    this.steps = new Batcher({ ...BATCH, run: entries => this.write(entries) })
  }

  /** To be awaited before the upload. False when the row is gone. */
  uploading(row: MediaRow, facts: FileFacts): Promise<boolean> {
    const { bytes, sha256, md5, type, identity } = facts
    return this.steps.add({ kind: 'uploading', id: row.id, bytes, sha256, md5, type, identity })
  }

  /** False when the row is gone. */
  uploaded(row: MediaRow, etag: string): Promise<boolean> {
    return this.steps.add({ kind: 'uploaded', id: row.id, etag })
  }

  async parts(row: MediaRow, upload: Upload): Promise<void> {
    const columns = { upload_id: upload.id, parts: JSON.stringify(upload.parts) }
    await this.tables.transaction(tx => tx.updateMedia().set(columns).where('id', '=', row.id).execute())
  }

  /** The row stays in its state, and is tried again by the next run. */
  async failed(row: Pick<MediaRow, 'id'>, failure: Failure): Promise<void> {
    const { code: failure_code } = failure
    const failure_message = failure.message.slice(0, WORDS_KEPT)
    await this.tables.transaction(tx =>
      tx
        .updateMedia()
        .set(eb => ({ attempts: eb('attempts', '+', 1), failure_code, failure_message }))
        .where('id', '=', row.id)
        .execute(),
    )
  }

  /** Moves rows that are in a state to another; the answer is how many were. */
  async move(ids: readonly number[], from: MediaState, to: Readonly<MoveColumns>): Promise<number> {
    if (ids.length === 0) return 0
    const columns = { ...to, state_at: this.now() }
    return this.tables.transaction(async tx => {
      let moved = 0
      for (const chunk of idsOf(ids)) {
        const update = tx.updateMedia().set(columns).where('id', 'in', chunk).where('state', '=', from)
        moved += Number((await update.executeTakeFirst()).numUpdatedRows)
      }
      return moved
    })
  }

  private write(entries: readonly Entry[]): Promise<boolean[]> {
    return this.tables.transaction(async tx => {
      const gone = new Set<number>()
      for (const kind of ['uploading', 'uploaded'] as const) {
        const some = entries.filter(entry => entry.kind === kind)
        if (some.length > 0) await this.update(tx, some, gone)
      }
      return entries.map(entry => !gone.has(entry.id))
    })
  }

  private async update(tx: TenantWriter, entries: readonly Entry[], gone: Set<number>): Promise<void> {
    const isUploaded = entries[0]?.kind === 'uploaded'
    const same = isUploaded ? UPLOADED : { state: 'uploading' as const }
    const updated = await tx.updateManyMedia(
      { ...same, state_at: this.now() },
      entries.map(({ kind: _, ...values }) => values),
    )
    if (updated === entries.length) return
    for (const ids of idsOf(entries.map(({ id }) => id))) {
      const there = new Set((await tx.media().select('id').where('id', 'in', ids).execute()).map(row => row.id))
      for (const id of ids) if (!there.has(id)) gone.add(id)
    }
  }
}

type MoveColumns = { readonly state: MediaState } & Partial<{
  delete_after: number | null
  identity: string | null
  etag: string | null
  upload_id: null
  parts: null
}>

/** All of them in lists of few lengths, which are filled up with their last. */
function* idsOf(ids: readonly number[]): Generator<number[]> {
  const most = IDS.at(-1) as number
  for (let start = 0; start < ids.length; start += most) {
    const chunk = ids.slice(start, start + most)
    const length = IDS.find(size => size >= chunk.length) as number
    yield [...chunk, ...new Array(length - chunk.length).fill(chunk.at(-1))]
  }
}
