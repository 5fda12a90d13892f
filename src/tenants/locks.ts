import { sql } from 'kysely'
import { type Clock, sleep } from '../kernel/clock.js'
import { Failure, isFailure } from '../kernel/errors.js'
import { holderIsGone, holderWords, newHolder, thisMachine } from '../kernel/holder.js'
import type { Log } from '../kernel/log.js'
import type { Catalog } from './catalog.js'
import { insertRows } from './databases/index.js'

export interface LockTimes {
  /** A holder that is not heard of for so long has died. */
  readonly ttlMs: number
  readonly heartbeatMs: number
  /** Of a catalog in a file; a server's own clock counts for all its machines. */
  readonly clock: Clock
}

interface Lock {
  readonly holder: string
  readonly acquired_at: number
  readonly expires_at: number
}

const TIMES: LockTimes = { ttlMs: 60_000, heartbeatMs: 15_000, clock: Date.now }
/** Beats come late on a busy machine. */
const LATE_BEAT = 1.2
const LOOK_EVERY_MS = 250
/** Locks that change hands while one looks at them are looked at again, this often. */
const ROUNDS = 5
/** A lock that is up later than this many times its length from now was written before the clock was set back. */
const AHEAD = 1.25

/**
 * Runs the deed while this process holds the named lock of the installation. A lock whose holder has ended (same machine),
 * or has not been heard of for a minute, is taken over, also after the clock was set. `lost` aborts when this process is the one that was not
 * heard of, because it was stopped or cut off, and another has taken over: the deed stops then.
 * @throws {Failure} LOCKED naming the holder; also when the lock was lost and the deed ended well all the same
 */
export async function withLock<T>(
  catalog: Catalog,
  name: string,
  deed: (lost: AbortSignal) => Promise<T>,
  options: Partial<LockTimes> = {},
): Promise<T> {
  const times = { ...TIMES, ...options }
  const holder = newHolder()
  await acquire(catalog, name, holder, times)
  const lost = new AbortController()
  const heartbeat = setInterval(() => {
    // A lost beat is no harm: three may fail before the lock is up for others.
    beat(catalog, name, holder, times, lost).catch(() => {})
  }, times.heartbeatMs)
  try {
    const result = await deed(lost.signal)
    lost.signal.throwIfAborted()
    return result
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

/** Runs the deed unless another process does it right now; false when one does. For jobs that begin by themselves, again and again. */
export async function unlessLocked(
  catalog: Catalog,
  name: string,
  log: Log,
  deed: (lost: AbortSignal) => Promise<unknown>,
): Promise<boolean> {
  let begun = false
  try {
    await withLock(catalog, name, lost => {
      begun = true
      return deed(lost)
    })
  } catch (error) {
    if (begun || !isFailure(error, 'LOCKED')) throw error
    log.info('left to the process that does it already', { deed: name, why: error.message })
  }
  return begun
}

/** As `withLock`, after whoever holds the lock has let go of it. @throws {Failure} LOCKED when that takes longer than `withinMs`; the signal's reason */
export async function whenUnlocked<T>(
  catalog: Catalog,
  name: string,
  { withinMs, signal }: { readonly withinMs: number; readonly signal: AbortSignal },
  deed: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = performance.now() + withinMs
  for (let begun = false; ; ) {
    try {
      return await withLock(catalog, name, lost => {
        begun = true
        return deed(lost)
      })
    } catch (error) {
      if (begun || !isFailure(error, 'LOCKED') || performance.now() >= end) throw error
      await sleep(LOOK_EVERY_MS, signal)
    }
  }
}

/**
 * Whether somebody holds a lock. `doubtful`: only its next beat can tell. It reaches further ahead than any holder writes, so that the clock was set
 * back since; or it is up though a process of this machine has its holder's number, so that the clock was set forward, or the number is another's.
 */
export function judgeLock(lock: Pick<Lock, 'holder' | 'expires_at'>, now: number, ttlMs: number): 'held' | 'free' | 'doubtful' {
  if (holderIsGone(lock.holder)) return 'free'
  if (lock.expires_at > now + ttlMs * AHEAD) return 'doubtful'
  if (lock.expires_at >= now) return 'held'
  return lock.holder.startsWith(`${thisMachine()}:`) ? 'doubtful' : 'free'
}

async function acquire(catalog: Catalog, name: string, holder: string, times: LockTimes): Promise<void> {
  for (let round = 1; ; round++) {
    const now = await clockOf(catalog, times)
    await insertRows(catalog.database, 'locks', [{ name, holder, acquired_at: now, expires_at: now + times.ttlMs }], 'keep')
    const lock = await find(catalog, name)
    if (lock?.holder === holder) return
    if (lock !== undefined && (await isUp(catalog, name, lock, times)) && (await takeOver(catalog, name, lock, holder, times)))
      return
    const still = await find(catalog, name)
    // It was let go of, or changed hands, in between: then nothing that was found counts.
    const isHeld = still !== undefined && still.holder === lock?.holder
    if (isHeld || round === ROUNDS) {
      throw new Failure('LOCKED', `${name} is already running: ${wordsOfLock(still)}`, { hint: 'wait for it to end' })
    }
  }
}

function wordsOfLock(lock: Lock | undefined): string {
  return lock === undefined ? 'another process' : `${holderWords(lock.holder)} since ${new Date(lock.acquired_at).toISOString()}`
}

async function isUp(catalog: Catalog, name: string, lock: Lock, times: LockTimes): Promise<boolean> {
  const verdict = judgeLock(lock, await clockOf(catalog, times), times.ttlMs)
  return verdict === 'doubtful' ? !(await beats(catalog, name, lock, times)) : verdict === 'free'
}

/** Whether the holder is heard of, or lets go, within the time of a beat. */
async function beats(catalog: Catalog, name: string, lock: Lock, times: LockTimes): Promise<boolean> {
  const end = performance.now() + times.heartbeatMs * LATE_BEAT
  while (performance.now() < end) {
    await sleep(Math.min(LOOK_EVERY_MS, times.heartbeatMs))
    const seen = await find(catalog, name)
    if (seen?.holder !== lock.holder || seen.expires_at !== lock.expires_at) return true
  }
  return false
}

async function takeOver(catalog: Catalog, name: string, lock: Lock, holder: string, times: LockTimes): Promise<boolean> {
  const now = await clockOf(catalog, times)
  const taken = await catalog.kysely
    .updateTable('locks')
    .set({ holder, acquired_at: now, expires_at: now + times.ttlMs })
    .where('name', '=', name)
    .where('holder', '=', lock.holder)
    .where('expires_at', '=', lock.expires_at)
    .executeTakeFirst()
  return taken.numUpdatedRows > 0n
}

/** Says that the holder lives; aborts `lost` when the lock is not its any more. */
async function beat(catalog: Catalog, name: string, holder: string, times: LockTimes, lost: AbortController): Promise<void> {
  if (lost.signal.aborted || (await extend(catalog, name, holder, times))) return
  const words = wordsOfLock(await find(catalog, name))
  const message = `${name} was taken over, since this process was not heard of for ${times.ttlMs / 1000} s: ${words}`
  lost.abort(new Failure('LOCKED', message, { hint: 'wait for it to end' }))
}

/** False when another has the lock. */
async function extend(catalog: Catalog, name: string, holder: string, times: LockTimes): Promise<boolean> {
  const now = await clockOf(catalog, times)
  const extended = await catalog.kysely
    .updateTable('locks')
    .set({ expires_at: now + times.ttlMs })
    .where('name', '=', name)
    .where('holder', '=', holder)
    .executeTakeFirst()
  return extended.numUpdatedRows > 0n
}

function find(catalog: Catalog, name: string): Promise<Lock | undefined> {
  return catalog.kysely
    .selectFrom('locks')
    .select(['holder', 'acquired_at', 'expires_at'])
    .where('name', '=', name)
    .executeTakeFirst()
}

/** The machines that share a server may disagree about the time. */
async function clockOf(catalog: Catalog, times: LockTimes): Promise<number> {
  if (catalog.server.dialect !== 'mysql') return times.clock()
  const { rows } = await sql<{ now: number }>`select cast(unix_timestamp(now(3)) * 1000 as unsigned) as now`.execute(
    catalog.kysely,
  )
  return Number(rows[0]?.now)
}
