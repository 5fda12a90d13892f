import { Batcher } from '../kernel/batcher.js'
import { sleep } from '../kernel/clock.js'
import { isFailure, wordsOf } from '../kernel/errors.js'
import { shortHash } from '../kernel/hash.js'
import { BRIEFLY, retry } from '../kernel/retry.js'
import type { Catalog } from '../tenants/catalog.js'
import { parseSourceId, type SourceId } from '../tenants/ids.js'
import type { SourceFailure } from './document.js'
import type { SharedDocuments } from './documents.js'
import type { Fetcher, FetchOutcome } from './fetch/fetcher.js'
import { type CheckScope, SourceLeases } from './leases.js'
import type { ParsePool } from './parse/pool.js'
import { nextCheckInMs } from './schedule.js'
import { type CheckedSource, loadSources, type SourceRow, writeChecked } from './sources.js'

const THEIRS_POLL_MS = 60

/** What is known of a source after the question whether it has something new. */
export interface Checked {
  /** Hash of the newest document that was read; null when none ever was. */
  readonly version: string | null
  /** Why the newest check brought nothing; null when it succeeded. */
  readonly failure: SourceFailure | null
  /** False when it was not due and nobody asked. */
  readonly checked: boolean
  /** The document of `version`, encoded, when this process has just read it; else it is with the shared documents. */
  readonly document: Uint8Array | null
}

/** Requests a piece of work caused. */
export interface Traffic {
  requests: number
  notModified: number
  bytes: number
}

export interface CheckParts {
  readonly catalog: Catalog
  readonly fetcher: Fetcher
  readonly parser: ParsePool
  readonly documents: SharedDocuments
}

/** Asks sources, each once for everyone: within this process by sharing the answer, between processes by leases. */
export class SourceChecks {
  private readonly leases: SourceLeases
  private readonly inFlight = new Map<string, Promise<Checked>>()
  private readonly decisions: Batcher<CheckedSource, null>

  constructor(private readonly parts: CheckParts) {
    this.leases = new SourceLeases(parts.catalog)
    this.decisions = new Batcher({
      maxSize: 300,
      lingerMs: 10,
      run: async checked => {
        await retry(() => writeChecked(parts.catalog, checked), BRIEFLY)
        return checked.map(() => null)
      },
    })
  }

  /**
   * Checks the source unless somebody has for this scope. Traffic is added for the caller that caused it only.
   * @throws the signal's reason when it aborts; {Failure} UNAVAILABLE when the catalog is away
   */
  check(id: SourceId, scope: CheckScope, traffic: Traffic, signal: AbortSignal): Promise<Checked> {
    return this.once(`${scope.runId}:${id}`, () => this.checkOnce(id, scope, traffic, signal))
  }

  /** Reads the source's document whether it changed or not: for a tenant that lacks one which is not shared any more. */
  readAnew(id: SourceId, scope: CheckScope, traffic: Traffic, signal: AbortSignal): Promise<Checked> {
    return this.once(`anew:${id}`, async () => {
      const source = (await loadSources(this.parts.catalog, [id])).get(id)
      if (source === undefined) return gone(id)
      // A publisher that fails, or asks for quiet, is left alone until its time.
      if (source.failure_code !== null && source.next_check_at > Date.now()) return known(source, true)
      return this.ask(source, scope, false, traffic, signal)
    })
  }

  private once(key: string, deed: () => Promise<Checked>): Promise<Checked> {
    const known = this.inFlight.get(key)
    if (known !== undefined) return known
    const begun = deed().finally(() => this.inFlight.delete(key))
    this.inFlight.set(key, begun)
    return begun
  }

  private async checkOnce(id: SourceId, scope: CheckScope, traffic: Traffic, signal: AbortSignal): Promise<Checked> {
    for (;;) {
      signal.throwIfAborted()
      const claim = await this.leases.claim(id, scope)
      if (claim.kind === 'missing') return gone(id)
      if (claim.kind === 'mine') return this.ask(claim.source, scope, true, traffic, signal)
      if (claim.kind === 'settled') return known(claim.source, claim.checked)
      await sleep(THEIRS_POLL_MS, signal)
    }
  }

  private async ask(
    source: SourceRow,
    scope: CheckScope,
    conditional: boolean,
    traffic: Traffic,
    signal: AbortSignal,
  ): Promise<Checked> {
    const id = parseSourceId(source.id)
    try {
      const validators =
        conditional && source.version !== null
          ? { etag: source.etag, lastModified: source.last_modified }
          : { etag: null, lastModified: null }
      const outcome = await this.parts.fetcher.fetch(source.url, validators, signal, () => this.parts.parser.room(signal))
      traffic.requests += outcome.requests
      if (outcome.kind === 'not-modified') traffic.notModified++
      if (outcome.kind === 'document') traffic.bytes += outcome.wireBytes
      const { decided, document } = await this.decide(source, outcome, scope, conditional, signal)
      await this.decisions.add(decided)
      this.leases.forget(id)
      return { ...known(decided, true), document }
    } catch (error) {
      await this.leases.release(id).catch(() => {})
      throw error
    }
  }

  /** The one place where the outcome of a check becomes a row. Validators are taken only with the document they belong to, once it is shared. */
  private async decide(
    source: SourceRow,
    outcome: FetchOutcome,
    scope: CheckScope,
    conditional: boolean,
    signal: AbortSignal,
  ): Promise<{ decided: CheckedSource; document: Uint8Array | null }> {
    const now = Date.now()
    const asked = { ...withoutLease(source), checked_at: now, checked_run: scope.runId }
    const failed = (failure: SourceFailure, retryAfterS: number | null) => {
      const failureCount = source.failure_count + 1
      const wait = nextCheckInMs(
        { failureCount, retryAfterS, cacheMaxAgeS: null, ttlMinutes: null, gone: failure.code === 'FEED_GONE' },
        Math.random(),
      )
      return {
        decided: {
          ...asked,
          next_check_at: now + wait,
          failure_code: failure.code,
          failure_message: failure.message.slice(0, 500),
          failure_count: failureCount,
        },
        document: null,
      }
    }
    const succeeded = (
      changes: Partial<CheckedSource>,
      ttlMinutes: number | null,
      cacheMaxAgeS: number | null,
      document: Uint8Array | null,
    ) => {
      const wait = nextCheckInMs({ failureCount: 0, retryAfterS: null, cacheMaxAgeS, ttlMinutes, gone: false }, Math.random())
      return {
        decided: { ...asked, ...changes, next_check_at: now + wait, failure_code: null, failure_message: null, failure_count: 0 },
        document,
      }
    }
    if (outcome.kind === 'failed') return failed(outcome.failure, outcome.retryAfterS)
    const validators = { etag: outcome.etag ?? source.etag, last_modified: outcome.lastModified ?? source.last_modified }
    if (outcome.kind === 'not-modified') return succeeded(validators, null, outcome.cacheMaxAgeS, null)
    const version = shortHash(outcome.body)
    const fresh = { etag: outcome.etag, last_modified: outcome.lastModified, version }
    if (conditional && version === source.version) return succeeded(fresh, null, outcome.cacheMaxAgeS, null)
    const previous = source.version === null ? null : await this.parts.documents.get(parseSourceId(source.id), source.version)
    const parsed = await this.parse(outcome, now, previous, signal)
    if ('failure' in parsed) return failed(parsed.failure, null)
    const shared = await this.parts.documents.put(parseSourceId(source.id), version, parsed.document)
    // Without validators the next question brings the document again, for the tenants it could not be shared with.
    const kept = shared ? fresh : { etag: null, last_modified: null, version }
    return succeeded({ ...kept, changed_at: now }, parsed.ttlMinutes, outcome.cacheMaxAgeS, parsed.document)
  }

  private async parse(
    outcome: FetchOutcome & { kind: 'document' },
    now: number,
    previous: Uint8Array | null,
    signal: AbortSignal,
  ) {
    try {
      const { body, contentType, finalUrl } = outcome
      return await this.parts.parser.parse({ body, contentType, url: finalUrl, now, previous }, signal)
    } catch (error) {
      // What stops feedctl is not the feed's fault.
      if (!isFailure(error) || error.code === 'INTERRUPTED' || signal.aborted) throw error
      return { failure: { code: error.code, message: wordsOf(error) } }
    }
  }
}

function known(source: CheckedSource, checked: boolean): Checked {
  const failure =
    source.failure_code === null
      ? null
      : { code: source.failure_code as SourceFailure['code'], message: source.failure_message ?? '' }
  return { version: source.version, failure, checked, document: null }
}

function gone(id: SourceId): Checked {
  return {
    version: null,
    failure: { code: 'FEED_NOT_FOUND', message: `source ${id} is not in the catalog` },
    checked: true,
    document: null,
  }
}

function withoutLease(source: SourceRow): CheckedSource {
  const { lease_token: _token, lease_until: _until, ...rest } = source
  return rest
}
