import { existsSync } from 'node:fs'
import type { Clock } from '../../kernel/clock.js'
import type { TenantTables } from '../../tenants/tables.js'
import type { Tenant } from '../../tenants/tenant.js'
import { LEAST_BILLED_BYTES, type Stored } from '../cost.js'
import { LOCAL_STATES } from '../states.js'
import { standingOf, takeInventory } from './inventory.js'
import { folderAway, type LocalFault, type LocalFile, localFiles } from './local-files.js'
import { countRows } from './rows.js'

/** What is in the local folders. */
export class Survey {
  private readonly all = { files: 0, bytes: 0, small: { files: 0, bytes: 0 } }
  /** Of these, what is not in the bucket yet. */
  readonly waiting = { files: 0, bytes: 0 }
  done = 0
  ignored = 0

  get stored(): Stored {
    return this.all
  }

  add(files: readonly LocalFile[]): void {
    for (const { bytes } of files) {
      this.all.files++
      this.all.bytes += bytes
      if (bytes >= LEAST_BILLED_BYTES) continue
      this.all.small.files++
      this.all.small.bytes += bytes
    }
  }

  wait(files: readonly LocalFile[]): void {
    this.waiting.files += files.length
    for (const { bytes } of files) this.waiting.bytes += bytes
  }
}

export interface SurveyOptions {
  /** Folder of the local disk. */
  readonly folder: string
  readonly tenant: Tenant
  /** Writes nothing: the journal is only asked. */
  readonly dryRun: boolean
  readonly fault: (fault: LocalFault) => void
  readonly signal: AbortSignal
  readonly now: Clock
}

/**
 * Takes the inventory of a tenant's folder. Answers some of the files that wait, for who wants to try with them.
 * @throws {Failure} UNAVAILABLE when there is no folder, and the journal has files in it
 */
export async function surveyTenant(tables: TenantTables, survey: Survey, options: SurveyOptions): Promise<readonly LocalFile[]> {
  const { tenant, folder, dryRun, signal, fault, now } = options
  let samples: readonly LocalFile[] = []
  const own = `${folder}/${tenant.id}`
  if (!existsSync(own) && (await countRows(tables, LOCAL_STATES)) > 0) throw folderAway(own)
  for await (const batch of localFiles(own, signal)) {
    const { waiting, done } = dryRun ? await standingOf(tables, batch.files) : await takeInventory(tables, batch.files, now())
    survey.add(batch.files)
    survey.wait(waiting)
    survey.done += done.length
    survey.ignored += batch.ignored
    batch.faults.forEach(fault)
    if (samples.length === 0) samples = waiting
  }
  return samples
}
