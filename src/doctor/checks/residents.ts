import { Failure, isFailure, wordsOf } from '../../kernel/errors.js'
import type { Catalog } from '../../tenants/catalog.js'
import { letBackIn, type ShutOut, type ShutOuts, shutOut } from '../../tenants/moving/shut-out.js'
import { type Check, fail, ok, type Verdict, warn } from '../check.js'
import { counted, some } from '../words.js'

const LOOK_MS = 4_000

/** Tenants that the catalog has in a database which does not let them write: it was restored, or changed by hand. */
export const tenantsResidents: Check = {
  id: 'tenants.residents',
  run: async parts => {
    const catalog = await parts.catalog()
    if (catalog === null) return ok('no tenants yet')
    return judgeShutOut(await shutOut(catalog, LOOK_MS))
  },
  mend: async parts => {
    const catalog = await parts.catalog()
    const found = catalog === null ? [] : (await shutOut(catalog, LOOK_MS)).found.filter(({ hasMoves }) => !hasMoves)
    if (catalog === null || found.length === 0) return null
    return {
      deed: `let ${counted(found.length, 'tenant')} write again where they live by the catalog: ${namesOf(found)}`,
      apply: () => letIn(catalog, found, parts.signal),
    }
  },
}

export function judgeShutOut({ found, more, away }: ShutOuts): Verdict {
  const unread = away.length === 0 ? '' : `; not looked at: ${some(away)}`
  const limits = `${more ? '; there was no time to look at all' : ''}${unread}`
  const all = limits === '' ? 'every tenant' : 'every tenant that was looked at'
  if (found.length === 0)
    return away.length === 0
      ? ok(`${all} is let in where it lives${limits}`)
      : warn(`${all} is let in where it lives${limits}`, 'feedctl host list')
  const moving = found.filter(({ hasMoves }) => hasMoves)
  const words = moving.length === 0 ? '' : `; with a move that is not finished: ${namesOf(moving)}`
  return fail(
    `writes of ${counted(found.length, 'tenant')} are refused by the database that they live in: ${namesOf(found)}${words}${limits}`,
    moving.length === found.length
      ? 'feedctl tenant move SLUG --finish (or --undo), then feedctl doctor --fix'
      : 'feedctl doctor --fix',
  )
}

function namesOf(found: readonly ShutOut[]): string {
  return some(found.map(({ slug }) => slug))
}

/** One that fails does not keep the others. @throws {Failure} PARTIAL */
async function letIn(catalog: Catalog, found: readonly ShutOut[], signal: AbortSignal): Promise<string> {
  let done = 0
  const failed: string[] = []
  for (const each of found) {
    signal.throwIfAborted()
    try {
      if (await letBackIn(catalog, each, signal)) done++
    } catch (error) {
      if (!isFailure(error)) throw error
      failed.push(`${each.slug}: ${wordsOf(error)}`)
    }
  }
  if (failed.length > 0) throw new Failure('PARTIAL', `${counted(done, 'tenant')} let in, not ${some(failed)}`)
  return `let ${counted(done, 'tenant')} write again`
}
