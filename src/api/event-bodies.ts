import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Unreadable } from '../analytics/event.js'
import { MOST_EVENTS_PER_BATCH } from '../analytics/intake.js'
import { Failure, isFailure } from '../kernel/errors.js'
import type { TenantId } from '../tenants/ids.js'

/** A batch as a client sends it, not yet looked at. */
export interface SentBatch {
  readonly batchId: string | null
  readonly events: readonly unknown[]
}

/** `{"batch_id","events"}`. @throws {Failure} BODY_INVALID */
export function batchInJson(body: Buffer): SentBatch {
  const sent = parsed(body)
  if (typeof sent !== 'object' || sent === null || !('events' in sent) || !Array.isArray(sent.events)) {
    throw new Failure('BODY_INVALID', 'the body is no {"events": [...]}')
  }
  const id = 'batch_id' in sent ? sent.batch_id : null
  if (id !== null && typeof id !== 'string') throw new Failure('EVENTS_INVALID', 'batch_id is no text')
  return { batchId: id, events: sent.events }
}

/** An event on each line; one that is no JSON is an Unreadable, blank ones are none. One more than a batch may have is read at most. */
export function batchInLines(body: Buffer): SentBatch {
  const text = body.toString()
  const events: unknown[] = []
  for (let from = 0; from < text.length && events.length <= MOST_EVENTS_PER_BATCH; ) {
    const found = text.indexOf('\n', from)
    const end = found < 0 ? text.length : found
    const line = text.slice(from, end).trim()
    if (line !== '') events.push(parsedLine(line))
    from = end + 1
  }
  return { batchId: null, events }
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch (error) {
    throw new Failure('BODY_INVALID', 'the body is no JSON', { cause: error })
  }
}

function parsedLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return new Unreadable('it is no JSON')
  }
}

/** Of all bytes in flight one tenant has this part at most. */
const SHARE = 1 / 4

interface Body {
  readonly tenantId: TenantId
  /** Those that have arrived. */
  bytes: number
}

/** Bodies of a process that are being received or looked at, bounded before memory grows: by the bytes that have arrived, whatever a body says of itself. */
export class BodiesInFlight {
  private bytes = 0
  private readonly ofTenants = new Map<TenantId, number>()
  private readonly bodies = new WeakMap<IncomingMessage, Body>()

  constructor(
    private readonly maxBytes: number,
    /** Of one body. */
    private readonly maxBodyBytes: number,
  ) {}

  /** What arrives of the request's body is counted until its connection is done with it. */
  enter(request: FastifyRequest, reply: FastifyReply): void {
    const body = { tenantId: request.tenant.id, bytes: 0 }
    this.bodies.set(request.raw, body)
    reply.raw.once('close', () => this.count(body, -body.bytes))
  }

  /** The body of a request that has entered. @throws {Failure} EVENTS_BEHIND, BODY_TOO_LARGE, BODY_INVALID when it ends before its end */
  receive(payload: IncomingMessage): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const body = this.bodies.get(payload)
      if (body === undefined) throw new Error('a body that has not entered')
      if (Number(payload.headers['content-length']) > this.maxBodyBytes) throw tooLarge()
      const chunks: Buffer[] = []
      const end = () => payload.off('data', take).off('end', finish).off('error', fail)
      const finish = () => {
        end()
        resolve(Buffer.concat(chunks))
      }
      const fail = (cause: unknown) => {
        end()
        // None of it is kept.
        this.count(body, -body.bytes)
        reject(isFailure(cause) ? cause : new Failure('BODY_INVALID', 'the body ends before its end', { cause }))
      }
      const take = (chunk: Buffer) => {
        if (body.bytes + chunk.length > this.maxBodyBytes) return fail(tooLarge())
        if (!this.hasRoom(body, chunk.length)) return fail(new Failure('EVENTS_BEHIND', 'too many events are on their way in'))
        this.count(body, chunk.length)
        chunks.push(chunk)
      }
      payload.on('data', take).on('end', finish).on('error', fail)
    })
  }

  /** A body that has no other beside it has room, however large one may be. */
  private hasRoom({ tenantId, bytes }: Body, more: number): boolean {
    const own = this.ofTenants.get(tenantId) ?? 0
    const fits = (all: number, most: number) => all === bytes || all + more <= most
    return fits(own, this.maxBytes * SHARE) && fits(this.bytes, this.maxBytes)
  }

  private count(body: Body, bytes: number): void {
    body.bytes += bytes
    this.bytes += bytes
    const own = (this.ofTenants.get(body.tenantId) ?? 0) + bytes
    if (own > 0) this.ofTenants.set(body.tenantId, own)
    else this.ofTenants.delete(body.tenantId)
  }
}

function tooLarge(): Failure {
  return new Failure('BODY_TOO_LARGE', 'the body is larger than is taken here')
}
