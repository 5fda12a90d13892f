import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { S3 } from '@aws-sdk/client-s3'
import { sleep } from '../../../kernel/clock.js'
import { Failure, isFailure, wordsOf } from '../../../kernel/errors.js'
import { backoffMs } from '../../../kernel/retry.js'
import type { RequestOutcome } from '../driver.js'
import { encodePath, encodeQuery } from './encoding.js'
import { failureOf, isSuccess, type Refusal, RefusedError, verdictOf } from './refusals.js'
import type { Sdk } from './sdk.js'
import type { Sending } from './sdk-client.js'
import { BodyError, type WireBody, type WireRequest } from './wire.js'

const EMPTY_SHA256 = hash('sha256', '')

/** How long one call goes on trying. */
export interface Patience {
  readonly tries: number
  readonly firstMs: number
  readonly maxMs: number
  /** After this no attempt is begun. */
  readonly totalMs: number
}

/** A request, which may be sent several times. */
export interface Call {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Null for the bucket itself. */
  readonly object: string | null
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: { readonly content: WireBody; readonly bytes: number; readonly sha256: string }
  readonly idleMs?: number
  /** Refusals that are an answer, for the caller to understand. */
  readonly expect?: (refusal: Refusal) => boolean
  /** Null when the answer is as it has to be, or the words of what is wrong with it: then it is tried again, and MEDIA_CORRUPT in the end. */
  readonly check?: (answer: IncomingMessage) => string | null
}

export interface BucketPlace {
  readonly host: string
  readonly bucket: string
}

/** Of one attempt: what the call comes to, or why it failed and whether it may be made again. */
type Attempt<T> = { readonly done: T | Refusal } | { readonly failure: Failure; readonly again: boolean }
type Tell = (kind: RequestOutcome['kind']) => void
type Command<T> = (s3: S3, sending: Sending) => Promise<T>

export interface AskOptions {
  readonly idleMs?: number
  /** Refusals that are an answer, for the caller to understand. */
  readonly expect?: (refusal: Refusal) => boolean
}

/** Signed requests to one bucket, with their retries. */
export class Requests {
  private readonly watchers = new Set<(outcome: RequestOutcome) => void>()

  constructor(
    private readonly sdk: Sdk,
    readonly place: BucketPlace,
    private readonly patience: Patience,
  ) {}

  watch(watcher: (outcome: RequestOutcome) => void): () => void {
    this.watchers.add(watcher)
    return () => void this.watchers.delete(watcher)
  }

  pathOf(object: string | null): string {
    return object === null ? `/${this.place.bucket}` : `/${this.place.bucket}/${encodePath(object)}`
  }

  /** The answer, its body not yet read; or the refusal that was expected. @throws {Failure} UNAVAILABLE, BUCKET_REFUSED, BUCKET_NOT_FOUND, MEDIA_CORRUPT, those of the source */
  send(call: Call, signal: AbortSignal): Promise<IncomingMessage | Refusal> {
    return this.untilDone(() => this.attempt(call, signal), signal)
  }

  /** As `send`, with commands of the client, whose answers are small. An answer that is cut, or that the command cannot use, is asked for again. */
  ask<T extends object>(command: Command<T>, signal: AbortSignal, options?: { readonly idleMs?: number }): Promise<T>
  ask<T extends object>(command: Command<T>, signal: AbortSignal, options: AskOptions): Promise<T | Refusal>
  ask<T extends object>(command: Command<T>, signal: AbortSignal, options: AskOptions = {}): Promise<T | Refusal> {
    return this.untilDone(() => this.attemptCommand(command, options, signal), signal)
  }

  private async untilDone<T>(attempt: () => Promise<Attempt<T>>, signal: AbortSignal): Promise<T | Refusal> {
    const end = performance.now() + this.patience.totalMs
    for (let tried = 1; ; tried++) {
      const result = await attempt()
      if ('done' in result) return result.done
      if (!result.again || tried >= this.patience.tries || performance.now() > end) throw result.failure
      await sleep(backoffMs(tried, this.patience, Math.random()), signal)
    }
  }

  private async attempt(call: Call, signal: AbortSignal): Promise<Attempt<IncomingMessage>> {
    const request = await this.signed(call)
    const tell = this.teller(call.body?.bytes ?? 0)
    let answer: IncomingMessage
    try {
      answer = await this.sdk.wire.send(request, signal)
    } catch (error) {
      return this.unanswered(error, tell, signal)
    }
    if (!isSuccess(answer)) {
      const refusal = await this.sdk.refusalOf(answer)
      signal.throwIfAborted()
      return this.refused(refusal, call.expect, tell)
    }
    const fault = call.check?.(answer) ?? null
    tell(fault === null ? 'ok' : 'failed')
    if (fault === null) return { done: answer }
    answer.resume()
    return { failure: new Failure('MEDIA_CORRUPT', fault), again: true }
  }

  private async attemptCommand<T>(command: Command<T>, { idleMs, expect }: AskOptions, signal: AbortSignal): Promise<Attempt<T>> {
    const s3 = await this.sdk.s3()
    const tell = this.teller(0)
    try {
      const done = await command(s3, { abortSignal: signal, ...(idleMs === undefined ? {} : { requestTimeout: idleMs }) })
      tell('ok')
      return { done }
    } catch (error) {
      const refusal = signal.aborted ? null : refusalIn(error)
      return refusal === null ? this.unanswered(faultOf(error), tell, signal) : this.refused(refusal, expect, tell)
    }
  }

  private refused(refusal: Refusal, expect: AskOptions['expect'], tell: Tell): Attempt<never> {
    const verdict = verdictOf(refusal)
    const expected = expect?.(refusal) === true
    tell(expected ? 'ok' : verdict === 'throttled' ? 'throttled' : 'failed')
    if (expected) return { done: refusal }
    return { failure: failureOf(refusal, this.place, Date.now()), again: verdict !== 'final' }
  }

  /** @throws {unknown} what is no fault of the bucket's */
  private unanswered(error: unknown, tell: Tell, signal: AbortSignal): Attempt<never> {
    if (error instanceof BodyError) throw error.cause
    if (signal.aborted) throw signal.reason
    if (isFailure(error)) throw error
    tell('failed')
    return { failure: broken(this.place, error), again: true }
  }

  private teller(bytes: number): Tell {
    const started = performance.now()
    return kind => {
      if (this.watchers.size === 0) return
      const outcome = { kind, ms: performance.now() - started, bytes }
      for (const watcher of this.watchers) watcher(outcome)
    }
  }

  private async signed({ method, object, query, headers, body, idleMs }: Call): Promise<WireRequest> {
    const path = this.pathOf(object)
    const signed = await this.sdk.signed({ method, path, query, headers }, body?.sha256 ?? EMPTY_SHA256)
    return {
      method,
      path: `${path}${encodeQuery(query)}`,
      headers: body === undefined ? signed : { ...signed, 'content-length': String(body.bytes) },
      body: body?.content ?? null,
      ...(idleMs === undefined ? {} : { idleMs }),
    }
  }
}

export function isAnswer(answer: IncomingMessage | Refusal): answer is IncomingMessage {
  return 'statusCode' in answer
}

export function broken(place: BucketPlace, error: unknown): Failure {
  return new Failure('UNAVAILABLE', `the bucket at ${place.host} cannot be reached: ${wordsOf(error)}`, {
    cause: error,
    hint: 'the same later',
  })
}

/** Null for an error that is none of the bucket's words. A command also rejects where a success tells of an error within. */
function refusalIn(error: unknown): Refusal | null {
  if (error instanceof RefusedError) return error.refusal
  if (!(error instanceof Error && '$metadata' in error && '$fault' in error)) return null
  return { status: 200, code: error.name, serverTime: null }
}

/** The client adds advice for its own users to an error about an answer. */
function faultOf(error: unknown): unknown {
  return error instanceof Error && '$response' in error ? new Error('its answer makes no sense') : error
}
