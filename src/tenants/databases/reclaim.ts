import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collect: (() => void) | null = null

/**
 * Frees the descriptors and memory of closed SQLite files: libsql 0.5 keeps a closed file open until the statements that were
 * prepared on it are garbage, and these are too small to make V8 look for garbage in time.
 * @see https://github.com/tursodatabase/libsql-js/issues/228
 */
export async function reclaimClosedFiles(): Promise<void> {
  if (collect === null) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  // What was collected is let go in a later turn of the event loop.
  await setImmediate()
  collect()
  await setImmediate()
}
