import type { MediaState } from '../../tenants/databases/index.js'
import type { Tenant } from '../../tenants/tenant.js'
import type { TenantJournal } from './journal.js'
import { type MediaRow, rowsOf } from './rows.js'

/** In this order: what was under way, what was known, what is new. */
const STATES = ['uploading', 'hashed', 'seen'] as const satisfies readonly MediaState[]
const PAGE = 200

/** The files of one tenant that wait for their upload, a page at a time. */
export class Lane {
  private readonly page: MediaRow[] = []
  private at: { state: number; after: number } = { state: 0, after: 0 }
  private filling: Promise<void> | null = null
  private inFlight = 0
  private stopped = false
  private settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | null = null

  /** `filled`: told when there are files again after there were none. */
  constructor(
    readonly tenant: Tenant,
    readonly journal: TenantJournal,
    private readonly filled: (lane: Lane) => void,
    /** Whether files whose last attempt failed are tried as well. */
    private readonly failed: boolean,
  ) {}

  /** Goes through the waiting rows once. Resolves when each has been given and is done with. */
  run(): Promise<void> {
    this.at = { state: 0, after: 0 }
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject }
      this.fill()
    })
  }

  /** Size of the next file; null when there is none now. */
  get nextBytes(): number | null {
    return this.page[0]?.bytes ?? null
  }

  get isStopped(): boolean {
    return this.stopped
  }

  /** The next file, whose end is to be told by the answer. */
  take(): { readonly row: MediaRow; readonly done: () => void } | null {
    const row = this.page.shift()
    if (row === undefined) return null
    this.inFlight++
    if (this.page.length < PAGE / 2) this.fill()
    return {
      row,
      done: () => {
        this.inFlight--
        this.endWhenEmpty()
      },
    }
  }

  /** The files that are left are not given; the run fails. */
  fail(error: unknown): void {
    this.settle?.reject(error)
    this.stop()
  }

  /** Gives no more; the run ends when what was given is done. */
  stop(): void {
    this.stopped = true
    this.at = { state: STATES.length, after: 0 }
    this.page.length = 0
    this.endWhenEmpty()
  }

  private fill(): void {
    if (this.at.state >= STATES.length) {
      this.endWhenEmpty()
      return
    }
    this.filling ??= this.more()
      .catch(error => this.fail(error))
      .finally(() => {
        this.filling = null
        if (this.page.length > 0) this.filled(this)
        else this.fill()
      })
  }

  private async more(): Promise<void> {
    const { at } = this
    const state = STATES[at.state]
    if (state === undefined) return
    const rows = await rowsOf(this.journal.tables, state, at.after, PAGE, this.failed)
    // Stopped meanwhile.
    if (this.at !== at) return
    this.at = rows.length < PAGE ? { state: at.state + 1, after: 0 } : { state: at.state, after: rows.at(-1)?.id ?? 0 }
    this.page.push(...rows)
  }

  private endWhenEmpty(): void {
    const exhausted = this.at.state >= STATES.length && this.filling === null && this.page.length === 0
    if (exhausted && this.inFlight === 0) this.settle?.resolve()
  }
}
