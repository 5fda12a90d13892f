import type { FastifyReply, FastifyRequest } from 'fastify'
import { HSTS, PRIVATE, REQUEST_ID } from '../headers.js'
import { type Entry, hasAlready, type SentWith } from './entry.js'

const JSON_TYPE = 'application/json; charset=utf-8'
/** Of one request alone, or of one answer: whoever sends the entry past fastify sets them anew. */
const OF_ONE_REQUEST: ReadonlySet<string> = new Set([REQUEST_ID, HSTS.name, 'content-length', 'date', 'connection', 'keep-alive'])
const STALE = 'x-feedctl-stale'

/** Sends it, or 304 to who has it. `staleMs`: its age, when something newer could not be had; null else. */
export function sendEntry(
  request: FastifyRequest,
  reply: FastifyReply,
  entry: Entry,
  staleMs: number | null = null,
): FastifyReply {
  reply
    .header('content-type', JSON_TYPE)
    .header('etag', entry.etag)
    .header('vary', withAuthorization(reply.getHeader('vary')))
  reply.header('cache-control', PRIVATE)
  entry.used = true
  // What pages of other origins are told depends on who they are.
  if (request.headers.origin === undefined) entry.sentWith ??= sentWith(reply, entry.body.length)
  if (staleMs !== null) reply.header('age', String(Math.max(0, Math.round(staleMs / 1000)))).header(STALE, '1')
  const wanted = request.headers['if-none-match']
  if (wanted !== undefined && hasAlready(wanted, entry.etag)) return reply.removeHeader('content-type').status(304).send()
  return reply.send(entry.body)
}

/** What fastify's hooks and this have set. */
function sentWith(reply: FastifyReply, bytes: number): SentWith {
  const whole = [REQUEST_ID, '']
  const unchanged = [REQUEST_ID, '']
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value === undefined || OF_ONE_REQUEST.has(name)) continue
    const text = Array.isArray(value) ? value.join(', ') : String(value)
    whole.push(name, text)
    if (name !== 'content-type') unchanged.push(name, text)
  }
  whole.push('content-length', String(bytes))
  return { whole, unchanged }
}

function withAuthorization(vary: unknown): string {
  const already = typeof vary === 'string' ? vary : ''
  return already === '' ? 'authorization' : `authorization, ${already}`
}
