import type { Log } from '../../kernel/log.js'
import type { Catalog } from '../../tenants/catalog.js'
import type { Disks } from '../disks/driver.js'
import type { MediaPolicy } from '../policy.js'
import type { Download } from './download.js'

/** What media is stored with. */
export interface IntakeParts {
  readonly catalog: Catalog
  readonly disks: Disks
  readonly download: Download
  readonly log: Log
  /** What counts for tenants that have no policy of their own. */
  readonly settings: MediaPolicy
  /** Deadline of one job. */
  readonly jobTimeoutMs: number
  /** Where large downloads are kept on their way. */
  readonly spoolFolder: string
}
