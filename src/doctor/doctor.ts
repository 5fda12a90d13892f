import { sleep } from '../kernel/clock.js'
import { Failure, isFailure, wordsOf } from '../kernel/errors.js'
import type { Check, Finding, Mend, Verdict } from './check.js'
import { judgeNode, nodeVersion } from './checks/node.js'
import { refusedSettings, SETTINGS_ID } from './checks/settings.js'
import { CHECKS } from './checks.js'
import { Parts, type Surroundings } from './parts.js'
import { datedBy, type Found } from './since.js'

/** What a check may take, ms. */
const PATIENCE_MS = 12_000

export interface ExamineOptions {
  readonly checks?: readonly Check[]
  readonly patienceMs?: number
}

/** Runs every check that applies, all at the same time but those that take turns. Never throws but when the signal aborts. */
export async function examine(
  around: Surroundings,
  { checks = CHECKS, patienceMs = PATIENCE_MS }: ExamineOptions = {},
): Promise<Finding[]> {
  await using parts = new Parts(around)
  const applying = checks.filter(check => check.applies?.(around.config) ?? true)
  let turn: Promise<unknown> = Promise.resolve()
  const looking = applying.map(check => {
    const look = async () => ({ id: check.id, ...(await verdictOf(check, parts, patienceMs)) })
    if (check.takesTurns !== true) return look()
    const mine = turn.then(look)
    turn = mine.catch(() => {})
    return mine
  })
  return dated(parts, await Promise.all(looking), patienceMs)
}

/** What can be said where the settings are refused. */
export function examineWithout(refusal: Failure): Finding[] {
  const since = new Date()
  return [
    { id: nodeVersion.id, ...judgeNode(process.versions.node), since },
    { id: SETTINGS_ID, ...refusedSettings(refusal), since },
  ]
}

export interface Mended {
  /** What was done, a line each. */
  readonly done: readonly string[]
  /** What was agreed to and could not be done, a line each. */
  readonly failed: readonly string[]
  /** What nobody agreed to; null when all was. */
  readonly refusal: Failure | null
}

/** Mends what can be mended safely, one after the other, each after `agree` to its deed. */
export async function mend(
  around: Surroundings,
  findings: readonly Finding[],
  agree: (deed: string) => Promise<void>,
): Promise<Mended> {
  const [done, failed]: [string[], string[]] = [[], []]
  let refusal: Failure | null = null
  const found = new Set(findings.filter(({ severity }) => severity !== 'ok').map(({ id }) => id))
  for (const check of CHECKS.filter(({ id }) => found.has(id))) {
    // Parts of its own, which see what was mended before.
    await using parts = new Parts(around)
    const cure = await cureOf(check, parts)
    if (cure === null) continue
    try {
      await agree(cure.deed)
      done.push(await cure.apply())
    } catch (error) {
      if (around.signal.aborted) throw error
      if (isFailure(error, 'CONFIRMATION_NEEDED')) refusal ??= error
      else failed.push(`could not ${cure.deed}: ${wordsOf(error)}`)
    }
  }
  return { done, failed, refusal }
}

/** Null also where it cannot look: its finding says so. */
async function cureOf(check: Check, parts: Parts): Promise<Mend | null> {
  if (check.mend === undefined) return null
  return within(PATIENCE_MS, parts.signal, check.mend(parts)).catch(error => {
    if (parts.signal.aborted) throw error
    parts.log.debug('nothing to mend', { check: check.id, why: wordsOf(error) })
    return null
  })
}

async function verdictOf(check: Check, parts: Parts, patienceMs: number): Promise<Verdict> {
  try {
    return await within(patienceMs, parts.signal, check.run(parts))
  } catch (error) {
    if (parts.signal.aborted) throw error
    const fix = isFailure(error) ? error.hint : null
    return { severity: check.blind ?? 'warn', evidence: `cannot look: ${wordsOf(error)}`, fix }
  }
}

/** Without a catalog nobody remembers: then everything is found since now. */
async function dated(parts: Parts, found: readonly Found[], patienceMs: number): Promise<Finding[]> {
  const now = Date.now()
  const remembering = async () => {
    const catalog = await parts.catalog()
    return catalog === null ? null : datedBy(catalog, found, now)
  }
  const known = await within(patienceMs, parts.signal, remembering()).catch(error => {
    if (parts.signal.aborted) throw error
    parts.log.debug('findings are not remembered', { why: wordsOf(error) })
    return null
  })
  return known ?? found.map(each => ({ ...each, since: new Date(now) }))
}

/** @throws {Failure} UNAVAILABLE when the time is over; the signal's reason when it aborts */
async function within<T>(ms: number, signal: AbortSignal, deed: Promise<T>): Promise<T> {
  const over = new AbortController()
  const late = sleep(ms, AbortSignal.any([signal, over.signal])).then(() => {
    throw new Failure('UNAVAILABLE', `no answer in ${ms / 1000} s`)
  })
  try {
    return await Promise.race([deed, late])
  } finally {
    over.abort()
  }
}
