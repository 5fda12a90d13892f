import { Failure } from '../kernel/errors.js'
import { holderIsGone, holderWords, newHolder } from '../kernel/holder.js'
import type { Catalog } from './catalog.js'
import { insertRows } from './databases/index.js'

const TTL_MS = 60_000
const HEARTBEAT_MS = 15_000

/**
 * Runs the deed while this process holds the named lock of the installation. A lock whose holder has ended (same machine),
 * or has not been heard of for a minute, is taken over.
 * @throws {Failure} LOCKED naming the holder
 */
export async function withLock<T>(catalog: Catalog, name: string, deed: () => Promise<T>): Promise<T> {
  const holder = newHolder()
  await acquire(catalog, name, holder)
  const heartbeat = setInterval(() => {
    // A lost beat is no harm: three may fail before the lock is up for others.
    void extend(catalog, name, holder).catch(() => {})
  }, HEARTBEAT_MS)
  try {
    return await deed()
  } finally {
    clearInterval(heartbeat)
    await catalog.kysely
      .deleteFrom('locks')
      .where('name', '=', name)
      .where('holder', '=', holder)
      .execute()
      .catch(() => {})
  }
}

async function acquire(catalog: Catalog, name: string, holder: string): Promise<void> {
  const now = Date.now()
  await insertRows(catalog.database, 'locks', [{ name, holder, acquired_at: now, expires_at: now + TTL_MS }], 'keep')
  const lock = await catalog.kysely.selectFrom('locks').selectAll().where('name', '=', name).executeTakeFirst()
  if (lock?.holder === holder) return
  if (lock !== undefined && (lock.expires_at < now || holderIsGone(lock.holder))) {
    const taken = await catalog.kysely
      .updateTable('locks')
      .set({ holder, acquired_at: now, expires_at: now + TTL_MS })
      .where('name', '=', name)
      .where('holder', '=', lock.holder)
      .executeTakeFirst()
    if (taken.numUpdatedRows > 0n) return
  }
  const who =
    lock === undefined ? 'another process' : `${holderWords(lock.holder)} since ${new Date(lock.acquired_at).toISOString()}`
  throw new Failure('LOCKED', `${name} is already running: ${who}`, { hint: 'wait for it to end' })
}

async function extend(catalog: Catalog, name: string, holder: string): Promise<void> {
  await catalog.kysely
    .updateTable('locks')
    .set({ expires_at: Date.now() + TTL_MS })
    .where('name', '=', name)
    .where('holder', '=', holder)
    .execute()
}
