import { counted } from '../../src/cli/figures.js'
import { Failure } from '../../src/kernel/errors.js'
import type { MigrationEnd } from '../../src/media/migration/migrate.js'
import type { FileFailure } from '../../src/media/migration/report.js'

const HINT = 'feedctl media migrate-to-wasabi again: what is done is not done again'

/**
 * What a run that was not interrupted fails with; null when all went well. What ended it for all goes first, whatever else failed; where every tenant
 * failed it is the first one's failure, and PARTIAL where others were carried.
 */
export function faultOf({ report, stopped, tenants }: MigrationEnd): unknown {
  if (stopped !== null) return stopped
  if (tenants.failure !== null && tenants.failed === tenants.total) return tenants.failure
  return partialOf(report.files, tenants.failed)
}

/** Of a dry run: null when it came to every file. */
export function previewFaultOf(report: {
  readonly files: { readonly failed: number; readonly total: number }
  readonly failures: readonly FileFailure[]
}): Failure | null {
  return partialOf(report.files, report.failures.filter(({ name }) => name === null).length)
}

function partialOf(files: { readonly failed: number; readonly total: number }, tenants: number): Failure | null {
  const what = [
    ...(files.failed > 0 ? [`${files.failed} of ${counted(files.total, 'file')}`] : []),
    ...(tenants > 0 ? [counted(tenants, 'tenant')] : []),
  ]
  return what.length === 0 ? null : new Failure('PARTIAL', `${what.join(' and ')} failed`, { hint: HINT })
}
