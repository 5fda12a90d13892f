import type { FastifyReply, FastifyRequest } from 'fastify'
import { Unreadable } from '../analytics/event.js'
import { MOST_EVENTS_PER_BATCH } from '../analytics/intake.js'
import { Failure } from '../kernel/errors.js'

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

/** Bodies of a process that are being received or looked at, bounded before memory grows. */
export class BodiesInFlight {
  private bytes = 0

  constructor(
    private readonly maxBytes: number,
    /** Counted for a body that does not say how large it is. */
    private readonly unknownBytes: number,
  ) {}

  /** Counts the request's body until its connection is done with it. @throws {Failure} EVENTS_BEHIND */
  enter(request: FastifyRequest, reply: FastifyReply): void {
    const bytes = Math.min(Number(request.headers['content-length'] ?? this.unknownBytes) || 0, this.unknownBytes)
    if (this.bytes > 0 && this.bytes + bytes > this.maxBytes)
      throw new Failure('EVENTS_BEHIND', 'too many events are on their way in')
    this.bytes += bytes
    reply.raw.once('close', () => {
      this.bytes -= bytes
    })
  }
}
