import { holderWords } from '../../kernel/holder.js'
import type { Catalog } from '../../tenants/catalog.js'
import { judgeLock } from '../../tenants/locks.js'
import { type Check, ok, onMysql, warn } from '../check.js'
import { readMysqlTime } from '../mysql-facts.js'
import type { Parts } from '../parts.js'
import { counted, some } from '../words.js'

interface Lock {
  readonly name: string
  readonly holder: string
  readonly expires_at: number
}

/** How far ahead a holder writes, ms. */
const TTL_MS = 60_000

export const locksStale: Check = {
  id: 'locks.stale',
  run: async parts => {
    const catalog = await parts.catalog()
    if (catalog === null) return ok('no catalog yet')
    const { held, stale } = await lookAtLocks(catalog, parts)
    if (stale.length === 0) return ok(`${counted(held, 'lock')} held`)
    const named = some(stale.map(({ name, holder }) => `${name} of ${holderWords(holder)}`))
    return warn(
      `left by a process that ended: ${named}`,
      'feedctl doctor --fix; the next command that wants it takes it over as well',
    )
  },
  mend: async parts => {
    const catalog = await parts.catalog()
    const stale = catalog === null ? [] : (await lookAtLocks(catalog, parts)).stale
    if (catalog === null || stale.length === 0) return null
    const names = stale.map(({ name }) => name).join(', ')
    return {
      deed: `release what ended processes hold: ${names}`,
      apply: async () => {
        for (const { name, holder, expires_at } of stale) {
          const query = catalog.kysely.deleteFrom('locks').where('name', '=', name).where('holder', '=', holder)
          // A holder that beats after all has set a new time.
          await query.where('expires_at', '=', expires_at).execute()
        }
        return `released: ${names}`
      },
    }
  },
}

/** One of a process that has ended is stale, and so is one that nobody renews; what only time can tell is not. */
async function lookAtLocks(catalog: Catalog, parts: Parts): Promise<{ held: number; stale: Lock[] }> {
  const now = onMysql(parts.config) ? await readMysqlTime(catalog.server, parts.config) : Date.now()
  const locks = await catalog.kysely.selectFrom('locks').selectAll().orderBy('name').execute()
  const stale = locks.filter(lock => judgeLock(lock, now, TTL_MS) === 'free')
  return { held: locks.length - stale.length, stale }
}
