import { Batcher } from '../../kernel/batcher.js'
import { Crew } from '../../kernel/crew.js'
import { type Failure, type FailureCode, isFailure } from '../../kernel/errors.js'
import { type BucketRow, IN_BUCKET_STATES, isInBucket } from '../bucket-rows.js'
import type { LocalDisk } from '../disks/driver.js'
import { mediaKey } from '../names.js'
import { type JournalAndBucket, journalRows } from '../verify/pairs.js'
import { emptyTally, type ObjectFault, verifyTenant } from '../verify/verify-tenant.js'
import { localFile } from './local-copy.js'
import { AnotherFile, isAnother, type Restoring, restore } from './restore.js'

const AT_ONCE = 8
const NOTES = { maxSize: 100, lingerMs: 10 }
const NOTES_AT_ONCE = 500
const FAULTS_KEPT = 1_000
/** Faults of one file: the others are restored all the same, so that a second run is short. */
const OF_THE_FILE: ReadonlySet<FailureCode> = new Set(['MEDIA_CORRUPT', 'MEDIA_NOT_FOUND', 'MEDIA_NAME_INVALID', 'MEDIA_CHANGED'])

export interface RollbackParts extends JournalAndBucket {
  readonly local: LocalDisk
}

export interface FileFault {
  readonly name: string
  readonly code: string
  readonly message: string
}

/** What a rollback of the tenant has before it. */
export interface TenantPlan {
  /** Files whose object is in the bucket. */
  readonly files: number
  readonly bytes: number
  /** Of those that the local disk does not have, or has in another size. */
  readonly missingFiles: number
  readonly missingBytes: number
  /**
   * Objects that are not there, or not as large as they should be, and local files of another size that took the place of the migrated ones: then nothing is
   * restored. At most a thousand, and how many there are.
   */
  readonly faults: readonly FileFault[]
  readonly faultCount: number
}

/** Looks at names and sizes on both disks; reads no content. @throws {Failure} as `verifyTenant` */
export async function planTenant(parts: RollbackParts, signal: AbortSignal): Promise<TenantPlan> {
  const faults: FileFault[] = []
  const keep = ({ name, code, message }: ObjectFault) => {
    if (faults.length < FAULTS_KEPT) faults.push({ name, code, message })
  }
  const options = { share: 0, seed: '', etags: 'ignored', signal, found: keep, progress: () => {} } as const
  const tally = emptyTally()
  await verifyTenant(parts, tally, options)
  const plan = { files: 0, bytes: 0, missingFiles: 0, missingBytes: 0 }
  let others = 0
  for await (const rows of journalRows(parts)) {
    for (const row of rows.filter(isInBucket)) {
      plan.files++
      plan.bytes += row.bytes
      const local = localFile(parts.local, mediaKey(parts.tenantId, row.name))
      if (local?.bytes === row.bytes) continue
      if (local !== null && isAnother(row, local.identity)) {
        others++
        if (faults.length < FAULTS_KEPT) faults.push(faultOf(row, new AnotherFile()))
        continue
      }
      plan.missingFiles++
      plan.missingBytes += row.bytes
    }
  }
  return { ...plan, faults, faultCount: tally.missing + tally.differing + others }
}

export interface TenantEvents {
  readonly signal: AbortSignal
  readonly now: () => number
  /** A file is on the local disk, as it should be. */
  readonly done: (row: BucketRow, how: Restoring) => void
  readonly fault: (fault: FileFault) => void
}

/**
 * Restores every file of the tenant and then, when all are right, moves its rows to `hashed` in one statement. False when a file has a fault: then no row is
 * moved, and what was restored stays for the next run. Objects stay in the bucket, and rows keep their etags. @throws {Failure} UNAVAILABLE, DISK_FULL, ...
 */
export async function rollbackTenant(parts: RollbackParts, events: TenantEvents): Promise<boolean> {
  const crew = new Crew(AT_ONCE)
  const notes = new Crew(NOTES_AT_ONCE)
  const identities = new Batcher<Note, null>({ ...NOTES, run: entries => note(parts, entries) })
  let [lastId, faults] = [0, 0]
  const one = async (row: BucketRow) => {
    try {
      const { how, identity } = await restore(parts, row, events.signal)
      if (row.identity !== identity) await notes.do(async () => void (await identities.add({ id: row.id, identity })))
      events.done(row, how)
    } catch (error) {
      if (!isFailure(error) || !OF_THE_FILE.has(error.code)) throw error
      faults++
      events.fault(faultOf(row, error))
    }
  }
  try {
    for await (const rows of journalRows(parts)) {
      events.signal.throwIfAborted()
      for (const row of rows) {
        lastId = row.id
        if (isInBucket(row)) await crew.do(() => one(row))
      }
    }
    await crew.end()
    await notes.end()
  } finally {
    await crew.settled()
    await notes.settled()
  }
  if (faults === 0) await moveRows(parts, lastId, events.now())
  return faults === 0
}

interface Note {
  readonly id: number
  readonly identity: string
}

/** From now on these files are known to be restored. */
async function note({ journal }: RollbackParts, entries: readonly Note[]): Promise<null[]> {
  await journal(tables =>
    tables.transaction(async tx => {
      for (const { id, identity } of entries) await tx.updateMedia().set({ identity }).where('id', '=', id).execute()
    }),
  )
  return entries.map(() => null)
}

/** All rows that were looked at, or none. */
async function moveRows({ journal }: RollbackParts, lastId: number, now: number): Promise<void> {
  const fresh = { upload_id: null, parts: null, attempts: 0, failure_code: null, failure_message: null, delete_after: null }
  await journal(tables =>
    tables.transaction(tx =>
      tx
        .updateMedia()
        .set({ ...fresh, state: 'hashed', state_at: now })
        .where('id', '<=', lastId)
        .where('state', 'in', [...IN_BUCKET_STATES])
        .where('identity', 'is not', null)
        .execute(),
    ),
  )
}

function faultOf(row: BucketRow, { code, message }: Failure): FileFault {
  return { name: row.name, code, message }
}
