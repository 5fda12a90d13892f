import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import pLimit from 'p-limit'
import { expect, it } from 'vitest'
import { addFeeds } from '../../../src/feeds/subscriptions.js'
import { isFailure } from '../../../src/kernel/errors.js'
import { dedicatedDatabase } from '../../../src/tenants/ids.js'
import { openMoves } from '../../../src/tenants/moving/ledger.js'
import { finishMoves, undoMove } from '../../../src/tenants/moving/requests.js'
import type { Tenant } from '../../../src/tenants/tenant.js'
import { describeDatabases, type Installation, openInstallation, tenantIn } from '../installation.js'
import { furnish } from '../transfer/furnish.js'
import { anHourLater, move, rowsIn, standing } from './ground.js'

const SCRIPT = fileURLToPath(new URL('cut-process.js', import.meta.url))
const SIGNAL = new AbortController().signal
const AT_ONCE = 3
/** Of the statements of a move, in each direction: a process each. */
const CUTS = 16
const POSTS = 5

/** One of each part, by chance. */
function sampleOf(statements: number): number[] {
  const part = statements / CUTS
  return Array.from({ length: CUTS }, (_, index) => 1 + randomInt(Math.floor(index * part), Math.floor((index + 1) * part)))
}

describeDatabases('a move whose process is killed after one of its statements', env => {
  const furnished = async (here: Installation, slug: string, kind: 'dedicated' | 'shared') => {
    const tenant = await tenantIn(here, slug, kind)
    await furnish(here.catalog, tenant, POSTS)
    return tenant
  }
  const cut = (slug: string, to: string, killAfter: number) =>
    new Promise<{ killed: boolean; out: string }>((resolve, reject) => {
      execFile(process.execPath, [SCRIPT, JSON.stringify({ env, slug, to, killAfter })], { env: {} }, (error, out, err) => {
        const killed = error?.signal === 'SIGKILL'
        if (error !== null && !killed) reject(new Error(err))
        else resolve({ killed, out })
      })
    })
  /** As the command does; one that was not begun, or has switched, is not undone. */
  const undo = async ({ catalog }: Installation, { slug }: Tenant) => {
    try {
      await undoMove(catalog, slug, SIGNAL)
    } catch (error) {
      if (!isFailure(error, 'MOVE_NOT_FOUND') && !isFailure(error, 'MOVE_REFUSED')) throw error
    }
  }
  const finish = async (here: Installation, tenant: Tenant) => {
    await anHourLater(here, tenant)
    await finishMoves(here.catalog, tenant.slug, SIGNAL)
  }
  const isThere = async ({ catalog }: Installation, { placement }: Pick<Tenant, 'placement'>) =>
    (await catalog.hosts.serverOf(placement.host)).has(placement.database)

  it.for([
    ['shared', 'dedicated'],
    ['dedicated', 'shared'],
  ] as const)('goes on, or is undone: every row is there once, and nothing is left (%s to %s)', { timeout: 120_000 }, async ([
    from,
    to,
  ]) => {
    const here = await openInstallation(env)
    const neighbours = [await furnished(here, `near-${from}-1`, from), await furnished(here, `near-${from}-2`, to)]
    const rowsOf = (tenant: Tenant) => rowsIn(here.catalog, tenant.id, tenant.placement)
    const kept = await Promise.all(neighbours.map(rowsOf))
    const whole = await furnished(here, `whole-${from}`, from)
    const { killed, out } = await cut(whole.slug, to, 0)
    expect([killed, Number(out) > 100]).toEqual([false, true])
    const { placement: there } = await standing(here, whole)
    const sample = sampleOf(Number(out))
    const words = `killed after one of the statements ${sample.join(', ')} of ${out}`
    const checkCut = async (killAfter: number) => {
      const tenant = await furnished(here, `cut-${from}-${killAfter}`, from)
      const target = to === 'shared' ? there : { ...there, database: dedicatedDatabase(here.prefix, tenant.slug) }
      const before = await rowsOf(tenant)
      const end = await cut(tenant.slug, to, killAfter)
      // One that is held up less than the first needs fewer statements, and may end before its last cut.
      expect(end.killed || Number(end.out) < killAfter).toBe(true)
      if (killAfter % 2 === 0) await move(here, tenant.slug, to)
      else await undo(here, tenant)
      const now = await standing(here, tenant)
      const moved = now.placement.kind === to
      if (killAfter % 2 === 0) expect(moved).toBe(true)
      expect(await rowsOf(now)).toEqual(before)
      if (moved) await finish(here, tenant)
      expect(await openMoves(here.catalog, tenant.id)).toEqual([])
      const other = moved ? tenant.placement : target
      expect(await rowsIn(here.catalog, tenant.id, other)).toEqual({})
      expect(await isThere(here, { placement: other })).toBe(other.kind === 'shared')
      await addFeeds(here.catalog, now, [{ url: 'https://example.com/writes-on.xml', title: null }])
    }
    const limit = pLimit(AT_ONCE)
    const failed = (killAfter: number) => (error: unknown) => {
      throw new Error(`${words}; failed: ${killAfter}`, { cause: error })
    }
    await Promise.all(sample.map(killAfter => limit(() => checkCut(killAfter).catch(failed(killAfter)))))
    expect(await Promise.all(neighbours.map(rowsOf))).toEqual(kept)
  })
})
