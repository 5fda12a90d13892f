import { readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseTenantId, type TenantId } from '../../tenants/ids.js'
import { HELD_MS } from './gauge.js'
import { codeOf } from './journal-folder.js'

/** In a file of each process that has put batches behind others: the tenants, and until when. */
type Held = readonly (readonly [tenantId: number, until: number])[]

const PREFIX = 'held.'

/** Tenants whose batches were put behind others lately, as the processes of a machine tell each other in the journal's folder. */
export class JournalHeld {
  private readonly own = new Map<TenantId, number>()
  private readonly name: string

  constructor(
    private readonly folder: string,
    holder: string,
  ) {
    this.name = `${PREFIX}${encodeURIComponent(holder)}`
  }

  async add(ids: Iterable<TenantId>): Promise<void> {
    const now = Date.now()
    for (const [id, until] of this.own) if (until <= now) this.own.delete(id)
    for (const id of ids) this.own.set(id, now + HELD_MS)
    const draft = join(this.folder, `draft.${this.name}`)
    await writeFile(draft, JSON.stringify([...this.own]), { mode: 0o600 })
    await rename(draft, join(this.folder, this.name))
  }

  /** `names`: of the files in the folder. */
  async read(names: readonly string[]): Promise<ReadonlySet<TenantId>> {
    const now = Date.now()
    const found = new Set<TenantId>()
    for (const name of names) {
      if (!name.startsWith(PREFIX)) continue
      const held = (await this.heldIn(name)).filter(([, until]) => until > now)
      for (const [id] of held) found.add(parseTenantId(id))
      if (held.length === 0) await unlink(join(this.folder, name)).catch(() => {})
    }
    return found
  }

  private async heldIn(name: string): Promise<Held> {
    try {
      return JSON.parse((await readFile(join(this.folder, name))).toString()) as Held
    } catch (error) {
      // A disk that lost its power may have left half of it.
      if (error instanceof SyntaxError || codeOf(error) === 'ENOENT') return []
      throw error
    }
  }
}
