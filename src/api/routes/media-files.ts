import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Log } from '../../kernel/log.js'
import type { MediaServing, OwnRequest, Served } from '../../media/serving/serving.js'
import { logTrouble } from '../failures.js'
import type { ApiServer } from '../parts.js'
import { failing, TAGS } from '../schemas.js'

const BYTES = {
  description: 'The file, or the part of it that was asked for',
  content: { 'application/octet-stream': { schema: z.string() } },
}
const NOTHING = z
  .null()
  .meta({ description: 'No body: it is elsewhere, what the client has, or shorter than the part that was asked for.' })
/** Pages of tenants show it, wherever they are. */
const FOR_PAGES = 'cross-origin'

/** `GET|HEAD /media/<tenant id>/<name>?expires&signature`: the local copy of a file, or a redirection to the bucket's. */
export function mediaFileRoutes(server: ApiServer, serving: MediaServing, log: Log): void {
  server.route({
    method: ['GET', 'HEAD'],
    url: '/media/*',
    schema: {
      tags: [TAGS.media],
      summary: 'The bytes of a file, by a link that was signed',
      response: {
        ...Object.fromEntries([200, 206].map(status => [status, BYTES])),
        ...Object.fromEntries([302, 304, 416].map(status => [status, NOTHING])),
        ...failing(
          'MEDIA_NAME_INVALID',
          'LINK_INVALID',
          'LINK_EXPIRED',
          'MEDIA_NOT_FOUND',
          'TENANT_WRONG_STATE',
          'MEDIA_CHANGED',
          'UNAVAILABLE',
        ),
      },
    },
    handler: async (request, reply) => {
      const gone = abortedWith(reply)
      const served = await serving.serve(ownRequest(request), gone)
      if ('stream' in served) {
        // The status is out by then: the connection is cut, and only the log can say why.
        served.stream?.once('error', error => gone.aborted || logTrouble(log, request, error))
      }
      return send(reply, served)
    },
  })
}

function ownRequest({ method, url, query, headers }: FastifyRequest): OwnRequest {
  return {
    method: method === 'HEAD' ? 'HEAD' : 'GET',
    url,
    query: query as OwnRequest['query'],
    range: headers.range,
    ifNoneMatch: headers['if-none-match'],
    ifModifiedSince: headers['if-modified-since'],
    ifRange: textOf(headers['if-range']),
  }
}

function send(reply: FastifyReply, served: Served): FastifyReply {
  reply.header('cross-origin-resource-policy', FOR_PAGES)
  if ('location' in served) return reply.status(302).headers({ location: served.location, 'cache-control': 'no-store' }).send()
  const { answer, stream } = served
  reply.status(answer.status).headers(answer.headers)
  return stream === null ? reply.send() : reply.send(stream)
}

/** Aborts when the connection ends before the answer has: the file is closed then. */
function abortedWith(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => controller.abort())
  return controller.signal
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header
}
