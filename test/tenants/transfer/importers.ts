import { fork } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import type { PlacementKind } from '../../../src/tenants/databases/index.js'
import type { TestEnv } from '../../support/drivers.js'

/** Who imports a file in a process of its own, and stops half way. */
export interface Importer {
  /** Goes on to the end; the answer is how it ended: `imported`, or the code of a failure. */
  goOn(): Promise<string>
  kill(): Promise<void>
}

export function importElsewhere(
  env: TestEnv,
  wanted: { readonly path: string; readonly slug: string; readonly placement: PlacementKind },
): Importer {
  const child = fork('test/tenants/transfer/importer.mjs', [JSON.stringify({ env, ...wanted })])
  onTestFinished(() => void child.kill('SIGKILL'))
  const gone = once(child, 'exit')
  let ended = 'it said nothing'
  child.on('message', (message: { ended: string }) => {
    ended = message.ended
  })
  return {
    goOn: async () => {
      child.send('go on')
      await gone
      return ended
    },
    kill: async () => {
      child.kill('SIGKILL')
      await gone
    },
  }
}
