import { Batcher } from '../kernel/batcher.js'
import { sleep } from '../kernel/clock.js'
import { isFailure, wordsOf } from '../kernel/errors.js'
import { shortHash } from '../kernel/hash.js'
import type { Log } from '../kernel/log.js'
import { BRIEFLY, retry } from '../kernel/retry.js'
import type { Catalog } from '../tenants/catalog.js'
import { parseSourceId, type SourceId } from '../tenants/ids.js'
import { decide, type Finding } from './decision.js'
import type { SourceFailure } from './document.js'
import type { SharedDocuments } from './documents.js'
import type { Fetcher, FetchOutcome } from './fetch/fetcher.js'
import { type CheckScope, SourceLeases } from './leases.js'
import { lastOf, MOVES_BELIEVED, moveSource } from './moves.js'
import { OutageBreaker, reachOf } from './outage.js'
import type { ParsePool } from './parse/pool.js'
import { SharedDeeds } from './shared-deeds.js'
import {
  type CheckedSource,
  dueAt,
  loadSources,
  quietHost,
  type SourceRow,
  sourcesThatAnswered,
  writeChecked,
} from './sources.js'

const THEIRS_POLL_MS = 60
/** Publishers asked to learn whether the network is there, when nobody has answered this process yet. */
const PROBED = 3

const never = new AbortController().signal

/** What is known of a source after the question whether it has something new. */
export interface Checked {
  /** The source that answered: another one than was asked for when that has moved. */
  readonly source: { readonly id: SourceId; readonly url: string }
  /** Hash of the newest document that was read; null when none ever was. */
  readonly version: string | null
  /** Why the newest check brought nothing; null when it succeeded. */
  readonly failure: SourceFailure | null
  /** False when nobody asked: it was not due, or its host wants to be left alone. */
  readonly checked: boolean
  /** True when nobody asked because publishers cannot be reached from here. */
  readonly outage: boolean
  /** When it is due next, epoch ms; null when it will not be asked again. */
  readonly dueAt: number | null
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
  readonly log: Log
  /** How long a check waits for the network here to come back, ms. */
  readonly outagePatienceMs: number
}

/** Asks sources, each once for everyone: within this process by sharing the answer, between processes by leases. */
export class SourceChecks {
  private readonly leases: SourceLeases
  private readonly inFlight = new SharedDeeds<Checked>()
  private readonly decisions: Batcher<CheckedSource, null>
  private readonly outages: OutageBreaker

  constructor(private readonly parts: CheckParts) {
    this.leases = new SourceLeases(parts.catalog)
    this.outages = new OutageBreaker({
      patienceMs: parts.outagePatienceMs,
      log: parts.log,
      probe: url => this.answers(url),
    })
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
    return this.inFlight.once(`${scope.runId}:${id}`, signal, () => this.checkOnce(id, scope, traffic, signal))
  }

  /** Reads the source's document whether it changed or not: for a tenant that lacks one which is not shared any more. */
  readAnew(id: SourceId, scope: CheckScope, traffic: Traffic, signal: AbortSignal): Promise<Checked> {
    return this.inFlight.once(`anew:${id}`, signal, async () => {
      const source = (await loadSources(this.parts.catalog, [id])).get(id)
      if (source === undefined) return gone(id)
      // A publisher that fails, or asks for quiet, is left alone until its time.
      const now = Date.now()
      if ((source.quiet_until ?? 0) > now || (source.failure_code !== null && source.next_check_at > now))
        return known(source, true)
      return this.ask(source, scope, false, traffic, signal)
    })
  }

  private async checkOnce(id: SourceId, scope: CheckScope, traffic: Traffic, signal: AbortSignal): Promise<Checked> {
    for (;;) {
      signal.throwIfAborted()
      const claim = await this.leases.claim(id, scope)
      if (claim.kind === 'missing') return gone(id)
      if (claim.kind === 'merged') return this.checkMerged(id, scope, traffic, signal)
      if (claim.kind === 'mine') return this.ask(claim.source, scope, true, traffic, signal)
      if (claim.kind === 'settled') return known(claim.source, claim.checked)
      await sleep(THEIRS_POLL_MS, signal)
    }
  }

  private async checkMerged(id: SourceId, scope: CheckScope, traffic: Traffic, signal: AbortSignal): Promise<Checked> {
    const last = await lastOf(this.parts.catalog, id)
    return last === id ? this.checkOnce(id, scope, traffic, signal) : this.check(last, scope, traffic, signal)
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
      const outcome = await this.outages.through(source.url, () => this.fetch(source, conditional, traffic, signal), signal)
      if (outcome === null) {
        await this.leases.release(id)
        return { ...known(source, false), outage: true }
      }
      const { finding, document } = await this.read(source, outcome, conditional, signal)
      const decided = decide(source, finding, { runId: scope.runId, now: Date.now(), random: Math.random() })
      await this.decisions.add(decided)
      this.leases.forget(id)
      const quietUntil = await this.spread(outcome)
      const answered = await this.moved(decided)
      const facts = known(
        { ...answered, quiet_until: Math.max(answered.quiet_until ?? 0, quietUntil) },
        finding.kind !== 'postponed',
      )
      return { ...facts, document }
    } catch (error) {
      await this.leases.release(id).catch(() => {})
      throw error
    }
  }

  private async fetch(source: SourceRow, conditional: boolean, traffic: Traffic, signal: AbortSignal): Promise<FetchOutcome> {
    const validators =
      conditional && source.version !== null
        ? { etag: source.etag, lastModified: source.last_modified }
        : { etag: null, lastModified: null }
    const outcome = await this.parts.fetcher.fetch(source.url, validators, signal, () => this.parts.parser.room(signal))
    traffic.requests += outcome.requests
    if (outcome.kind === 'not-modified') traffic.notModified++
    if (outcome.kind === 'document') traffic.bytes += outcome.wireBytes
    return outcome
  }

  /** What the outcome says of the source; a new document is parsed and shared. Validators are taken only with the document they belong to. */
  private async read(
    source: SourceRow,
    outcome: FetchOutcome,
    conditional: boolean,
    signal: AbortSignal,
  ): Promise<{ finding: Finding; document: Uint8Array | null }> {
    if (outcome.kind === 'failed' || outcome.kind === 'postponed') return { finding: outcome, document: null }
    const { cacheMaxAgeS, permanentUrl } = outcome
    if (outcome.kind === 'not-modified') {
      const kept = { etag: outcome.etag ?? source.etag, lastModified: outcome.lastModified ?? source.last_modified }
      return { finding: { kind: 'unchanged', ...kept, cacheMaxAgeS, permanentUrl, version: source.version }, document: null }
    }
    const { etag, lastModified } = outcome
    const version = shortHash(outcome.body)
    const answered = { etag, lastModified, cacheMaxAgeS, permanentUrl, version }
    if (conditional && version === source.version) return { finding: { kind: 'unchanged', ...answered }, document: null }
    const id = parseSourceId(source.id)
    const previous = source.version === null ? null : await this.parts.documents.get(id, source.version)
    const parsed = await this.parse(outcome, previous, signal)
    if ('failure' in parsed)
      return {
        finding: { kind: 'failed', failure: parsed.failure, retryAfterS: null, permanentUrl, finalUrl: null },
        document: null,
      }
    const { document, rhythm, notices } = parsed
    const shared = await this.parts.documents.put(id, version, document)
    // Without validators the next question brings the document again, for the tenants it could not be shared with.
    const validators = shared ? {} : { etag: null, lastModified: null }
    return { finding: { kind: 'new-version', ...answered, ...validators, rhythm, notices }, document }
  }

  private async parse(outcome: FetchOutcome & { kind: 'document' }, previous: Uint8Array | null, signal: AbortSignal) {
    try {
      const { body, contentType, finalUrl } = outcome
      return await this.parts.parser.parse({ body, contentType, url: finalUrl, now: Date.now(), previous }, signal)
    } catch (error) {
      // What stops feedctl is not the feed's fault.
      if (!isFailure(error) || error.code === 'INTERRUPTED' || signal.aborted) throw error
      return { failure: { code: error.code, message: wordsOf(error) } }
    }
  }

  /**
   * What a publisher asks for is meant for all its feeds, those that another process would ask included. Answers until when it wants to be left alone,
   * epoch ms; 0 when it does not.
   */
  private async spread(outcome: FetchOutcome): Promise<number> {
    const quietS = outcome.kind === 'postponed' ? outcome.retryAfterS : outcome.kind === 'failed' ? outcome.hostQuietS : null
    if (quietS === null || !('host' in outcome) || outcome.host === null) return 0
    const { host } = outcome
    const until = Date.now() + quietS * 1000
    await retry(() => quietHost(this.parts.catalog, host, until), BRIEFLY)
    return until
  }

  /** The source to go on with: another one when this one has moved for good. */
  private async moved(decided: CheckedSource): Promise<CheckedSource> {
    if (decided.moved_count < MOVES_BELIEVED) return decided
    const target = await retry(() => moveSource(this.parts.catalog, decided), BRIEFLY)
    const row = target === decided.id ? undefined : (await loadSources(this.parts.catalog, [target])).get(target)
    if (row === undefined) return decided
    this.parts.log.info('a source has moved for good', { source: decided.id, from: decided.url, to: row.url })
    // What was read under the old URL is the new one's document, whether that was asked before or not.
    const { documents } = this.parts
    const document = decided.version === null ? null : await documents.get(parseSourceId(decided.id), decided.version)
    if (document !== null && decided.version !== null) await documents.put(target, decided.version, document)
    return { ...decided, id: row.id, url: row.url }
  }

  /** Whether one of the publishers that answered lately is reached; null when there is none. */
  private async answers(url: string | null): Promise<boolean | null> {
    if (url !== null && (await this.isReached(url))) return true
    const others = (await sourcesThatAnswered(this.parts.catalog, PROBED)).filter(each => each !== url)
    if (others.length === 0) return url === null ? null : false
    return (await Promise.all(others.map(each => this.isReached(each)))).includes(true)
  }

  private async isReached(url: string): Promise<boolean> {
    return reachOf(await this.parts.fetcher.fetch(url, { etag: null, lastModified: null }, never)) === 'answered'
  }
}

function known(source: CheckedSource, checked: boolean): Checked {
  const failure =
    source.failure_code === null
      ? null
      : { code: source.failure_code as SourceFailure['code'], message: source.failure_message ?? '' }
  return {
    source: { id: parseSourceId(source.id), url: source.url },
    version: source.version,
    failure,
    checked,
    outage: false,
    dueAt: source.retired_at !== null || source.merged_into !== null ? null : dueAt(source),
    document: null,
  }
}

function gone(id: SourceId): Checked {
  return {
    source: { id, url: '' },
    version: null,
    failure: { code: 'FEED_NOT_FOUND', message: `source ${id} is not in the catalog` },
    checked: true,
    outage: false,
    dueAt: null,
    document: null,
  }
}
