import { isIP } from 'node:net'
import { sleep } from '../kernel/clock.js'
import type { FailureCode } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import type { FetchOutcome } from './fetch/outcome.js'
import { unlessAborted } from './unless-aborted.js'

/** Unrelated sites that fail one after the other, none answering in between, before the fault may be here. */
const SITES_SUSPECTED = 5
/** How long a failure waits for another publisher to answer, or for others to fail as well. */
const HELD_MS = 2_000
/** How long nobody must be asking until a failure that is held counts: no more evidence is coming. */
const IDLE_MS = 25
const PROBE_EVERY_MS = 2_000
/** How long, and for how many silent sites, one answer proves that the network is there: many dead publishers must not make one that lives answer all the time. */
const PROOF_LASTS_MS = 30_000
const PROOF_SITES = 20

export interface OutageOptions {
  /** How long those who ask wait for the network to come back, ms. */
  readonly patienceMs: number
  /** Whether a publisher who answered not long ago does so now: that of the URL, else another. Null when nobody ever did. */
  readonly probe: (url: string | null) => Promise<boolean | null>
  readonly log: Log
}

/**
 * Tells a publisher's failure from one of the network here: when several unrelated sites cannot be reached and nobody answers in between, a publisher who
 * did answer is asked. When not even that one is reached, it is an outage: nobody is asked until it is over, and no failure of that time counts.
 */
export class OutageBreaker {
  /** Sites that could not be reached since anybody was. */
  private readonly silent = new Set<string>()
  private readonly held = new Set<() => void>()
  private inFlight = 0
  private outageSince: number | null = null
  private probing: Promise<boolean> | null = null
  private probedAt = 0
  private provenAt = Number.NEGATIVE_INFINITY
  private answeredUrl: string | null = null

  constructor(private readonly options: OutageOptions) {}

  /**
   * The outcome of asking for the URL, asked again after an outage; null when the outage outlasts the patience.
   * Rejects with what `ask` rejects with, or with the signal's reason.
   */
  async through(url: string, ask: () => Promise<FetchOutcome>, signal: AbortSignal): Promise<FetchOutcome | null> {
    for (;;) {
      if (this.outageSince !== null && !(await this.isOver(signal))) return null
      const outcome = await this.counted(ask)
      const reach = reachOf(outcome)
      if (reach === 'answered') {
        this.answeredUrl = url
        this.answered()
      }
      if (reach !== 'silent') return outcome
      this.silent.add(siteOf(url))
      if (!(await this.isOutage(signal))) return outcome
    }
  }

  private async counted(ask: () => Promise<FetchOutcome>): Promise<FetchOutcome> {
    this.inFlight++
    try {
      return await ask()
    } finally {
      this.inFlight--
      if (this.inFlight === 0) setTimeout(() => this.inFlight === 0 && this.letGo(), IDLE_MS)
    }
  }

  private answered(): void {
    if (this.outageSince !== null) this.options.log.warn('publishers can be reached again: the sync goes on')
    this.outageSince = null
    this.silent.clear()
    this.letGo()
  }

  private letGo(): void {
    for (const wake of [...this.held]) wake()
  }

  private async isOutage(signal: AbortSignal): Promise<boolean> {
    if (this.silent.size < SITES_SUSPECTED) await this.hold(signal)
    if (this.outageSince !== null) return true
    if (this.silent.size < SITES_SUSPECTED) return false
    // Those who were held see what this one finds.
    const isDown = !(await this.probe(signal))
    this.letGo()
    return isDown
  }

  private hold(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        this.held.delete(end)
        signal.removeEventListener('abort', end)
        if (signal.aborted) reject(signal.reason)
        else resolve()
      }
      const timer = setTimeout(end, HELD_MS)
      this.held.add(end)
      signal.addEventListener('abort', end, { once: true })
    })
  }

  /** Waits for the network as long as the patience lasts; after that, asks now and then whether it is back. */
  private async isOver(signal: AbortSignal): Promise<boolean> {
    for (;;) {
      const since = this.outageSince
      if (since === null || (await this.probe(signal))) return true
      if (Date.now() - since >= this.options.patienceMs) return false
      await sleep(Math.min(PROBE_EVERY_MS, this.options.patienceMs), signal)
    }
  }

  /** True when somebody answers; one probe serves all who want to know at the same time, and for a moment after. */
  private probe(signal: AbortSignal): Promise<boolean> {
    if (this.probing !== null) return unlessAborted(this.probing, signal)
    const now = Date.now()
    const isProven = now - this.provenAt < PROOF_LASTS_MS && this.silent.size < PROOF_SITES
    if (this.outageSince === null && isProven) return Promise.resolve(true)
    if (this.outageSince !== null && now - this.probedAt < PROBE_EVERY_MS / 2) return Promise.resolve(false)
    this.probing = this.probeOnce().finally(() => {
      this.probing = null
      this.probedAt = Date.now()
    })
    return unlessAborted(this.probing, signal)
  }

  /** For all who wait: that one of them has to stop must not end it for the others. */
  private async probeOnce(): Promise<boolean> {
    // Where nobody ever answered there is nobody to ask: then a failure is a failure.
    const isReached = (await this.options.probe(this.answeredUrl)) ?? true
    if (!isReached) this.open()
    else {
      this.provenAt = Date.now()
      this.answered()
    }
    return isReached
  }

  private open(): void {
    if (this.outageSince !== null) return
    this.outageSince = Date.now()
    this.options.log.warn('publishers cannot be reached from here: the sync waits, and no feed is marked as failing', {
      sites: this.silent.size,
    })
  }
}

const SILENCE: ReadonlySet<FailureCode> = new Set(['FEED_UNREACHABLE', 'FEED_TIMEOUT', 'FEED_CUT', 'ADDRESS_REFUSED'])

/**
 * What an outcome says of the network. Connections that are cut and names that lead to private addresses are what a broken one looks like as well;
 * who was not asked says nothing.
 */
export function reachOf(outcome: FetchOutcome): 'answered' | 'silent' | 'unknown' {
  if (outcome.requests === 0 || outcome.kind === 'postponed') return 'unknown'
  if (outcome.kind !== 'failed' || outcome.status !== null) return 'answered'
  return SILENCE.has(outcome.failure.code) ? 'silent' : 'answered'
}

/** Whose a URL is: the address, or the last two labels of the name, three below the likes of `co.uk`. */
function siteOf(url: string): string {
  const name = new URL(url).hostname.replace(/\.$/, '')
  if (isIP(name.replace(/^\[|\]$/g, '')) !== 0) return name
  const labels = name.split('.')
  const shared = labels.length > 2 && /^[a-z]{2}$/.test(labels.at(-1) ?? '') && (labels.at(-2) ?? '').length <= 3
  return labels.slice(shared ? -3 : -2).join('.')
}
