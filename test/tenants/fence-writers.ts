import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { isFailure } from '../../src/kernel/errors.js'
import { withTenant } from '../../src/tenants/tables.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import type { TestEnv } from '../support/drivers.js'
import type { Installation } from './installation.js'

/** Who writes a tenant's rows, one transaction after the other, and counts what was committed and what was refused, by code. */
export interface RacingWriter {
  readonly committed: number
  readonly refused: ReadonlyMap<string, number>
  end(): Promise<void>
}

/** Over connections of its own, in this process. Each writer's rows have a feed's number of their own. */
export function writerHere({ catalog }: Installation, tenant: Tenant, feedId: number): RacingWriter {
  const counts = new Counts()
  let ending = false
  const writing = (async () => {
    for (let number = 0; !ending; number++) {
      const row = { feed_id: feedId, guid_hash: `g${String(number).padStart(21, '0')}`, deleted_at: 1 }
      try {
        await withTenant(catalog, tenant, tables =>
          tables.transaction(async tx => {
            await tx.takeIds('posts', 1)
            await tx.insert('tombstones', [row])
          }),
        )
        counts.committed++
      } catch (error) {
        counts.refuse(isFailure(error) ? error.code : String(error))
      }
      await new Promise(resolve => setImmediate(resolve))
    }
  })()
  const end = () => {
    ending = true
    return writing
  }
  onTestFinished(end)
  return Object.assign(counts, { end })
}

/** As `writerHere`, in a process of its own. */
export async function writerElsewhere(env: TestEnv, tenant: Tenant, feedId: number): Promise<RacingWriter> {
  const counts = new Counts()
  const child: ChildProcess = fork('test/tenants/fence-writer.mjs', [JSON.stringify({ env, tenant, feedId })])
  onTestFinished(() => void child.kill('SIGKILL'))
  const gone = once(child, 'exit')
  const ready = Promise.race([once(child, 'message'), gone.then(() => Promise.reject(new Error('the writer ended')))])
  child.on('message', ({ committed, refused }: { committed?: number; refused?: string }) => {
    if (committed !== undefined) counts.committed++
    if (refused !== undefined) counts.refuse(refused)
  })
  await ready
  const end = async () => {
    if (child.connected) child.send('end')
    await gone
  }
  return Object.assign(counts, { end })
}

class Counts {
  committed = 0
  readonly refused = new Map<string, number>()

  refuse(code: string): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1)
  }
}
