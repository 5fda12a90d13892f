import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { wordsOf } from '../../kernel/errors.js'
import { type Check, fail, ok, type Verdict, warn } from '../check.js'
import type { MediaFacts } from '../media-facts.js'
import { nearestFolder } from '../nearest-folder.js'
import { counted, timeWords } from '../words.js'

/** Every sync and every pruning goes on with what waits. */
const OVERDUE_MS = 86_400_000
/** Pictures that are gone are nobody's fault here; when most fail, something is. */
const MANY_FAILED = 0.2

export const mediaIntake: Check = {
  id: 'media.intake',
  run: async parts => {
    const { config } = parts
    const fault = config.filesystemDisk === 'local' ? await faultOf(join(config.data, 'media')) : null
    return judgeIntake(await parts.media(), fault, Date.now())
  },
}

/** `fault`: why nothing can be stored in the folder; null when it can. */
export function judgeIntake(
  facts: Pick<MediaFacts, 'links' | 'more' | 'tenants'> | null,
  fault: string | null,
  now: number,
): Verdict {
  if (fault !== null) return fail(`media cannot be stored: ${fault}`, 'let the user that runs feedctl write there')
  if (facts === null) return ok('no media yet')
  const { waitingSince, stored, failed, failure } = facts.links
  const where = facts.more ? ` of the first ${counted(facts.tenants, 'tenant')}` : ''
  if (waitingSince !== null && now - waitingSince > OVERDUE_MS)
    return warn(
      `media of posts${where} has waited for ${timeWords(now - waitingSince)} to be stored`,
      'feedctl sync --all, and look at its log',
    )
  if (failed > MANY_FAILED * (stored + failed))
    return warn(
      `${counted(failed, 'link')}${where} to media failed, most with ${failure}; ${stored} stored`,
      'feedctl media list <slug> --links --state failed',
    )
  return ok(`${counted(stored, 'link')}${where} to media stored, ${failed} failed`)
}

/** A folder that is not there yet is one that can be made. */
async function faultOf(folder: string): Promise<string | null> {
  const there = nearestFolder(folder)
  try {
    if (!(await stat(there)).isDirectory()) return `${there} is no folder`
    await access(there, constants.W_OK | constants.X_OK)
    return null
  } catch (error) {
    return wordsOf(error)
  }
}
