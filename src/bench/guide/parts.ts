import type { Config, Environment } from '../../kernel/config.js'
import type { Watcher } from '../sync/watcher.js'
import type { GuideLoad } from './load.js'

/** What every claim is measured with. */
export interface GuideParts {
  /** The operator's settings: drivers and servers are taken from them, databases, folders and keys never. */
  readonly operator: Config
  readonly env: Environment
  readonly load: GuideLoad
  readonly watcher: Watcher
  /** Ends what is running and removes what was made. */
  readonly signal: AbortSignal
  /** Hears why a claim could not be measured where that is none of feedctl's refusals. */
  readonly onBug: (error: unknown) => void
}
