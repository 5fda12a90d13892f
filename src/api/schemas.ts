import { z } from 'zod'
import { PROBLEM_TYPE, type ProblemCode, statusOf } from './problems.js'

/** The sections of the document at `/openapi.json`; a route is in one of them: `schema: { tags: [TAGS.posts], ... }`. */
export const TAGS = {
  posts: 'posts',
  feeds: 'feeds',
  media: 'media',
  analytics: 'analytics',
  usage: 'usage',
  standing: 'standing',
} as const

/** The body of every answer that tells what went wrong. */
export const PROBLEM = z
  .object({
    type: z.string().meta({ description: 'Names the kind of problem; the same for the same `code`.' }),
    title: z.string().meta({ description: 'The kind of problem in words; the same for the same `code`.' }),
    status: z.int().meta({ description: 'The HTTP status.' }),
    detail: z.string().meta({ description: 'What is wrong this time, for a person.' }),
    code: z.string().meta({ description: 'The kind of problem, for a program: `POST_NOT_FOUND`.' }),
    hint: z.string().nullable().meta({ description: 'What helps; null when there is nothing to say.' }),
    request_id: z.string().meta({ description: 'Also in the header `x-request-id`, and in the log of the service.' }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Each part of the request that is not as it must be: `query.limit`, `body.url`.' }),
  })
  .meta({ id: 'Problem', description: 'What went wrong, as RFC 9457 has it.' })

/** How one status of a route is documented: `description` lists the codes. */
export interface ProblemAnswer {
  readonly description: string
  readonly content: { readonly [PROBLEM_TYPE]: { readonly schema: typeof PROBLEM } }
}

/** Of a GET that bears an ETag, for its schema: `response: { 200: POSTS, ...UNCHANGED }`. */
export const UNCHANGED = { 304: z.null().meta({ description: 'It is the one that the client has.' }) } as const

/** A status that refuses; apart from numbers, so that a route's good answers keep their types. */
export type FailingStatus =
  | 400
  | 401
  | 402
  | 403
  | 404
  | 405
  | 408
  | 409
  | 410
  | 413
  | 415
  | 416
  | 422
  | 429
  | 431
  | 500
  | 502
  | 503
  | 504
  | 507

/**
 * A route's refusals for its schema: `response: { 200: POSTS, ...failing('POST_NOT_FOUND') }`. Those that every route under `/v1` may give (a bad request, no
 * token, too many requests, a body that cannot be read, trouble of the service) are added when it is registered.
 */
export function failing(...codes: readonly ProblemCode[]): { [S in FailingStatus]?: ProblemAnswer } {
  const answers: { [S in FailingStatus]?: ProblemAnswer } = {}
  for (const code of new Set(codes)) {
    const status = statusOf(code) as FailingStatus
    const before = answers[status]
    const description = before === undefined ? `\`${code}\`` : `${before.description}, \`${code}\``
    answers[status] = { description, content: { [PROBLEM_TYPE]: { schema: PROBLEM } } }
  }
  return answers
}
