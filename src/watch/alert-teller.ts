import { wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import type { Telling } from './alert-decision.js'
import { Webhook } from './webhook.js'

const WORDS = { alert: 'alert', reminder: 'alert still stands', recovery: 'alert is over' } as const

/** Tells the operator of alerts: each time one line in the log, and one delivery to the webhook where there is one. */
export class AlertTeller {
  private readonly webhook: Webhook | null
  /** By name, what the log has already, of tellings that the webhook has not taken. */
  private readonly logged = new Map<string, string>()

  /** `webhook`: its URL; null for none. @throws {Failure} CONFIG_INVALID when it is no URL */
  constructor(
    webhook: string | null,
    private readonly log: Log,
    private readonly signal: AbortSignal,
  ) {
    this.webhook = webhook === null ? null : new Webhook(webhook)
  }

  /** Whether it was told. `post`: false when the webhook is not to be tried now. What nobody was told of does not recover for the webhook either. */
  async tell(telling: Telling, post: boolean): Promise<boolean> {
    this.writeOnce(telling)
    const told = this.webhook === null || (telling.event === 'recovery' && telling.told === 0)
    const reached = told || (post && (await this.deliver(this.webhook, telling)))
    if (reached || telling.lastTry) this.logged.delete(telling.name)
    return reached
  }

  private writeOnce({ event, name, message, since, lastedMs, told, value }: Telling): void {
    const key = `${event} ${told}`
    if (this.logged.get(name) === key) return
    this.logged.set(name, key)
    const measured = value === null ? {} : { value }
    const facts = { name, since: new Date(since).toISOString(), lasted_ms: lastedMs, told, ...measured }
    this.log.warn(`${WORDS[event]}: ${message}`, facts)
  }

  private async deliver(webhook: Webhook, telling: Telling): Promise<boolean> {
    try {
      await webhook.post(telling, this.signal)
      return true
    } catch (error) {
      const more = telling.lastTry ? 'it is not tried again' : 'it is tried again'
      if (!this.signal.aborted) this.log.warn(`alert not delivered, ${more}`, { name: telling.name, why: wordsOf(error) })
      return false
    }
  }
}
