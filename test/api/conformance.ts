import type { AnySchemaObject } from 'ajv'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** What of the document at `/openapi.json` answers are held against. */
export interface OpenApiDocument {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> }
}

interface Operation {
  readonly tags?: readonly string[]
  readonly summary?: string
  readonly security?: readonly unknown[]
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> }
  readonly responses: Readonly<Record<string, Documented>>
}

interface Documented {
  readonly description: string
  readonly content?: Readonly<Record<string, unknown>>
}

/** An answer as a route's test has it. */
export interface GivenAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** What comes before a route is found: documented in words, for no route. */
const BEFORE_ROUTES = new Set(['USAGE', 'ROUTE_NOT_FOUND', 'METHOD_NOT_ALLOWED', 'REQUEST_TIMEOUT', 'HEADERS_TOO_LARGE'])

/**
 * Holds answers against the document: `new Conformance(document).faults('GET', '/v1/posts/{id}', answer)` is empty when the route is documented to give this
 * status, with this type and this body, and this `code` where it is a problem.
 */
export class Conformance {
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true })
  private readonly compiled = new Map<string, ValidateFunction>()

  constructor(readonly document: OpenApiDocument) {
    addFormats.default(this.ajv)
    this.ajv.addSchema(document as unknown as AnySchemaObject, 'document')
  }

  /** What is wrong with the answer, in words. `path`: as the document has it, or null for what no route has answered. */
  faults(method: string, path: string | null, answer: GivenAnswer): string[] {
    const place = path === null ? `${method} before any route` : `${method} ${path}`
    if (path === null) return this.problemFaults(place, answer, text => BEFORE_ROUTES.has(text))
    const operation = this.document.paths[path]?.[method.toLowerCase()]
    if (operation === undefined) return [`${place} is not in the document`]
    const documented = operation.responses[answer.status]
    if (documented === undefined) return [`${place} is not documented to answer ${answer.status}: ${answer.body}`]
    const type = typeOf(answer)
    const types = Object.keys(documented.content ?? {})
    if (types.length === 0 || answer.body.length === 0) return []
    if (!types.includes(type)) return [`${place} answers ${answer.status} as ${type}, documented is ${types.join(', ')}`]
    const faults = type.endsWith('json') ? this.bodyFaults(place, pointerTo(path, method, answer.status, type), answer) : []
    if (answer.status < 400) return faults
    return [...faults, ...this.problemFaults(place, answer, code => documented.description.includes(`\`${code}\``))]
  }

  private problemFaults(place: string, answer: GivenAnswer, isDocumented: (code: string) => boolean): string[] {
    if (typeOf(answer) !== 'application/problem+json') return [`${place}: ${answer.status} is ${typeOf(answer)}, no problem`]
    const faults = this.bodyFaults(place, '#/components/schemas/Problem', answer)
    if (faults.length > 0) return faults
    const problem = JSON.parse(answer.body.toString()) as { status: number; code: string; request_id: string }
    return [
      ...(problem.status === answer.status
        ? []
        : [`${place}: the problem says ${problem.status}, the answer is ${answer.status}`]),
      ...(problem.request_id === answer.headers['x-request-id'] ? [] : [`${place}: the problem has another request id`]),
      ...(isDocumented(problem.code) ? [] : [`${place} is not documented to answer ${answer.status} ${problem.code}`]),
    ]
  }

  private bodyFaults(place: string, pointer: string, { status, body }: GivenAnswer): string[] {
    let json: unknown
    try {
      json = JSON.parse(body.toString())
    } catch {
      return [`${place}: ${status} is no JSON: ${body}`]
    }
    const validate = this.compiled.get(pointer) ?? this.ajv.compile({ $ref: `document${pointer}` })
    this.compiled.set(pointer, validate)
    if (validate(json)) return []
    return (validate.errors ?? []).map(({ instancePath, message }) => `${place}: ${status} ${instancePath} ${message}`)
  }
}

function typeOf({ headers }: GivenAnswer): string {
  return String(headers['content-type'] ?? '').split(';')[0] ?? ''
}

function pointerTo(path: string, method: string, status: number, type: string): string {
  const words = ['paths', path, method.toLowerCase(), 'responses', String(status), 'content', type, 'schema']
  return `#/${words.map(word => encodeURIComponent(word.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`
}
