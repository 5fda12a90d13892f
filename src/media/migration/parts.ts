import { existsSync } from 'node:fs'
import type { Clock } from '../../kernel/clock.js'
import { isFailure } from '../../kernel/errors.js'
import type { Tenant } from '../../tenants/tenant.js'
import type { Bucket } from '../disks/driver.js'
import type { Throttle } from '../throttle.js'
import { type FileReader, HOLD_BYTES } from './file-reader.js'
import type { TenantJournal } from './journal.js'
import { folderAway } from './local-files.js'
import { JournalLost } from './lost.js'
import type { Outage } from './outage.js'
import type { Tally } from './report.js'
import type { MediaRow } from './rows.js'
import type { ChangingSlots } from './slots.js'

export const LARGE_AT_ONCE = 32

/** What the steps of a run share. */
export interface MigrationParts {
  readonly bucket: Bucket
  /** Folder of the local disk. */
  readonly folder: string
  readonly reader: FileReader
  /** Requests in flight. */
  readonly slots: ChangingSlots
  /** Files in flight of those that are not held. */
  readonly large: ChangingSlots
  readonly outage: Outage
  readonly throttle: Throttle | null
  readonly tally: Tally
  /** Aborts when nothing new is to be begun. */
  readonly stop: AbortSignal
  /** Aborts when what is in flight is not waited for any longer. */
  readonly cut: AbortSignal
  readonly now: Clock
}

export interface Carrying {
  readonly tenant: Tenant
  readonly journal: TenantJournal
  readonly row: MediaRow
  /** Told when the file is no longer held. */
  readonly leave: () => void
  /** Whether nothing more of the tenant is to be sent. */
  readonly isOver: () => boolean
}

/** Room for a file's requests. Large files hold memory, and their connections, for long: fewer of them go at a time, fewer still at a small rate. */
export async function roomFor({ slots, large, throttle, stop }: MigrationParts, bytes: number): Promise<() => void> {
  if (bytes <= HOLD_BYTES) return slots.take(stop)
  large.limit = throttle?.streams(LARGE_AT_ONCE) ?? LARGE_AT_ONCE
  const end = await large.take(stop)
  try {
    const leave = await slots.take(stop)
    return () => {
      leave()
      end()
    }
  } catch (error) {
    end()
    throw error
  }
}

export function pathOf(folder: string, tenant: Pick<Tenant, 'id'>, row: Pick<MediaRow, 'name'>): string {
  return `${folder}/${tenant.id}/${row.name}`
}

/** @throws {Failure} UNAVAILABLE when the tenant's folder is away: then no file of it can be said to be gone */
export function checkFolder({ folder }: Pick<MigrationParts, 'folder'>, { id }: Pick<Tenant, 'id'>): void {
  const own = `${folder}/${id}`
  if (!existsSync(own)) throw folderAway(own)
}

/** What a call of the journal comes to. @throws {JournalLost} */
export async function journaled<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw isFailure(error) ? new JournalLost(error) : error
  }
}
