import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../../kernel/log.js'
import type { MediaServing, OwnRequest, Served } from '../../media/serving/serving.js'
import { logTrouble } from '../failures.js'
import type { ApiServer } from '../parts.js'

/** `GET|HEAD /media/<tenant id>/<name>?expires&signature`: the local copy of a file, or a redirection to the bucket's. */
export function mediaFileRoutes(server: ApiServer, serving: MediaServing, log: Log): void {
  server.route({
    method: ['GET', 'HEAD'],
    url: '/media/*',
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
