import swagger from '@fastify/swagger'
import type { RouteOptions } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { ApiServer } from './parts.js'
import type { ProblemCode } from './problems.js'
import { failing, type ProblemAnswer, TAGS } from './schemas.js'

/** What any route may answer, what a tenant's routes may, and those that take a body. */
const ANY: readonly ProblemCode[] = ['USAGE', 'REQUEST_TIMEOUT', 'BUG']
const TENANTS: readonly ProblemCode[] = [
  'TOKEN_INVALID',
  'TENANT_WRONG_STATE',
  'RATE_LIMITED',
  'UNAVAILABLE',
  'SCHEMA_MISSING',
  'SCHEMA_NEWER',
  'SCHEMA_BEHIND',
]
const WITH_BODY: readonly ProblemCode[] = ['BODY_INVALID', 'BODY_TOO_LARGE', 'BODY_TYPE']

const DESCRIPTION = `Every answer that is no success is a problem as RFC 9457 has it, and tells its kind in \`code\`. Before a route is found, a request may be answered
400 \`USAGE\`, 404 \`ROUTE_NOT_FOUND\`, 405 \`METHOD_NOT_ALLOWED\` (with \`allow\`), 408 \`REQUEST_TIMEOUT\` and 431 \`HEADERS_TOO_LARGE\`. Every answer bears \`x-request-id\`.`

/** Gathers the document from the schemas of the routes that are registered from now on. */
export async function gatherDocument(server: ApiServer): Promise<void> {
  server.addHook('onRoute', route => {
    if (!isHidden(route)) complete(route)
  })
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'feedctl', version: '1', description: DESCRIPTION },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'The token of a tenant: `feedctl tenant token`.' },
        },
      },
      tags: Object.values(TAGS).map(name => ({ name })),
    },
    transform: jsonSchemaTransform,
    transformObject: document => withoutUnused(jsonSchemaTransformObject(document)),
  })
}

export function isHidden({ schema }: RouteOptions): boolean {
  return schema !== undefined && 'hide' in schema && schema.hide === true
}

export function isTenants(url: string): boolean {
  return url.startsWith('/v1/')
}

/** Adds to a route's schema what it has from the frame. */
function complete(route: RouteOptions): void {
  const methods = [route.method].flat()
  const takesBody = methods.some(method => method !== 'GET' && method !== 'HEAD')
  const codes = [...ANY, ...(isTenants(route.url) ? TENANTS : []), ...(takesBody ? WITH_BODY : [])]
  const schema = route.schema ?? {}
  const own = (schema.response ?? {}) as Record<string, ProblemAnswer>
  const response = { ...own }
  for (const [status, answer] of Object.entries(failing(...codes))) response[status] = merged(own[status], answer)
  route.schema = { ...schema, response, ...(isTenants(route.url) ? { security: [{ token: [] }] } : {}) }
}

/** Both lists of codes, each code once. */
function merged(own: ProblemAnswer | undefined, added: ProblemAnswer): ProblemAnswer {
  if (own === undefined) return added
  const codes = new Set([own, added].flatMap(({ description }) => description.split(', ')))
  return { ...added, description: [...codes].join(', ') }
}

type Document = ReturnType<typeof jsonSchemaTransformObject>

/** Schemas are registered as what comes in and as what goes out: one of the two is in use. */
function withoutUnused(document: Document): Document {
  if (!('components' in document)) return document
  const text = JSON.stringify(document)
  const schemas = document.components?.schemas ?? {}
  const used = Object.entries(schemas).filter(([name]) => text.includes(`"#/components/schemas/${name}"`))
  return { ...document, components: { ...document.components, schemas: Object.fromEntries(used) } } as Document
}
