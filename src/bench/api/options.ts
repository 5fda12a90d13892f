import type { Config, Environment } from '../../kernel/config.js'
import type { Watcher } from '../sync/watcher.js'
import type { ApiLoad } from './load.js'

export interface ApiBenchOptions {
  /** The operator's settings: drivers and servers are taken from them, databases, folders and keys never. */
  readonly operator: Config
  readonly env: Environment
  readonly load: ApiLoad
  readonly watcher: Watcher
  /** Ends what is running and removes what was made. */
  readonly signal: AbortSignal
}
