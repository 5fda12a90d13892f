import type { App } from '../app.js'
import { Patience } from '../caches/index.js'
import { wordsOf } from '../kernel/errors.js'

const KEPT_MS = 1_000
const PATIENCE_MS = 2_000

export type PartState = 'ok' | 'down'

/** Whether requests can be answered; `redis`: null where the settings need none. */
export interface Readiness {
  readonly catalog: PartState
  readonly redis: PartState | null
}

/** Looks at the parts at most once a second, however many ask. */
export class ReadinessLook {
  private latest: { readonly at: number; readonly readiness: Promise<Readiness> } | null = null

  constructor(
    private readonly app: Pick<App, 'catalog' | 'shared' | 'log'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  look(): Promise<Readiness> {
    const now = this.now()
    if (this.latest === null || now - this.latest.at >= KEPT_MS) this.latest = { at: now, readiness: this.fresh() }
    return this.latest.readiness
  }

  private async fresh(): Promise<Readiness> {
    const { catalog } = this.app
    const [catalogState, redis] = await Promise.all([
      this.state('catalog', () => catalog.kysely.selectFrom('hosts').select('name').limit(1).execute()),
      this.redis(),
    ])
    return { catalog: catalogState, redis }
  }

  private async redis(): Promise<PartState | null> {
    const { far } = await this.app.shared()
    return far === null ? null : this.state('redis', () => far.get('readiness'))
  }

  private async state(part: string, ask: () => Promise<unknown>): Promise<PartState> {
    try {
      await new Patience({ patienceMs: PATIENCE_MS, awayMs: 0, what: part }).ask(ask)
      return 'ok'
    } catch (error) {
      this.app.log.warn('api: not all parts answer', { part, why: wordsOf(error) })
      return 'down'
    }
  }
}
