import type { IncomingMessage } from 'node:http'
import { validatorCompiler } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { AcceptedBatch } from '../../analytics/intake.js'
import { isFailure } from '../../kernel/errors.js'
import type { TenantId } from '../../tenants/ids.js'
import { BodiesInFlight, batchInJson, batchInLines, type SentBatch } from '../event-bodies.js'
import { NO_QUERY } from '../fields.js'
import type { ApiParts, ApiServer } from '../parts.js'
import { failing, TAGS } from '../schemas.js'

const MOST_BYTES_IN_FLIGHT = 64 * 1024 * 1024

/** For the description of the API: events are checked by hand, one by one, a hundred thousand in a second. */
const EVENT = z
  .looseObject({
    kind: z.string().regex(/^[a-z][a-z0-9_.-]{0,31}$/),
    post_id: z.int().positive().nullable().optional(),
    visitor: z
      .union([z.string().min(1).max(200), z.number()])
      .nullable()
      .optional()
      .describe('hashed at once, never stored'),
    at: z
      .union([z.iso.datetime({ offset: true }), z.number()])
      .nullable()
      .optional()
      .describe('ISO 8601 with a zone, or epoch milliseconds; now when absent. At most 7 days ago and 5 minutes ahead'),
  })
  .describe('other fields are kept with single events, where those are kept')
const BATCH = z.object({
  batch_id: z
    .string()
    .regex(/^[A-Za-z0-9._:-]{1,64}$/)
    .nullable()
    .optional()
    .describe('of batches with the same id one counts; the header Idempotency-Key does the same'),
  events: z.array(EVENT).min(1).max(1_000),
})
const ACCEPTED = z.object({
  batch_id: z.string(),
  accepted: z.int(),
  refused: z.int(),
  refusals: z.array(z.object({ index: z.int(), message: z.string() })).describe('the first hundred'),
})

/** Takes events in. */
export function eventRoutes(server: ApiServer, { app, intake, metrics }: ApiParts): void {
  const inFlight = new BodiesInFlight(MOST_BYTES_IN_FLIGHT, app.config.apiMaxBodyBytes)
  server.register(async scope => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('application/json', async (_request: unknown, payload: IncomingMessage) =>
      batchInJson(await inFlight.receive(payload)),
    )
    scope.addContentTypeParser('application/x-ndjson', async (_request: unknown, payload: IncomingMessage) =>
      batchInLines(await inFlight.receive(payload)),
    )
    scope.post('/v1/events', {
      schema: {
        summary: 'take a batch of events in, as JSON or as NDJSON with an event on each line',
        description: '202 means that the accepted events will be counted, once.',
        tags: [TAGS.analytics],
        querystring: NO_QUERY,
        body: BATCH,
        response: { 202: ACCEPTED, ...failing('EVENTS_INVALID', 'EVENTS_BEHIND', 'DISK_FULL') },
      },
      validatorCompiler: route => (route.httpPart === 'body' ? () => true : validatorCompiler(route as never)),
      serializerCompiler: () => value => JSON.stringify(value),
      onRequest: async (request, reply) => inFlight.enter(request, reply),
      handler: async (request, reply) => {
        const { batchId, events } = (request.body as unknown as SentBatch | undefined) ?? { batchId: null, events: [] }
        const header = request.headers['idempotency-key']
        const id = batchId ?? (typeof header === 'string' ? header : null)
        const accepted = await accept(id, events, request.tenant.id)
        return reply.status(202).header('cache-control', 'no-store').send(answerOf(accepted))
      },
    })
  })

  async function accept(id: string | null, events: readonly unknown[], tenantId: TenantId): Promise<AcceptedBatch> {
    try {
      const accepted = await (await intake()).accept(tenantId, id, events)
      metrics.events.inc({ outcome: 'accepted' }, accepted.accepted)
      metrics.events.inc({ outcome: 'refused' }, accepted.refused)
      return accepted
    } catch (error) {
      metrics.events.inc({ outcome: isFailure(error, 'EVENTS_INVALID') ? 'refused' : 'behind' }, events.length)
      throw error
    }
  }
}

function answerOf({ batchId, accepted, refused, refusals }: AcceptedBatch) {
  return { batch_id: batchId, accepted, refused, refusals: [...refusals] }
}
