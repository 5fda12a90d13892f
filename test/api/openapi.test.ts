import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Conformance, type GivenAnswer, type OpenApiDocument } from './conformance.js'
import { ApiGround, type Asking } from './ground.js'

const JSON_BODY = { 'content-type': 'application/json' }
const MAX_BODY = 2048

let ground: ApiGround
let token: string
let suspended: string
let document: OpenApiDocument
let conformance: Conformance

beforeAll(async () => {
  ground = await ApiGround.create({
    FEEDCTL_API_MAX_BODY_BYTES: String(MAX_BODY),
    FEEDCTL_API_RATE: '0',
    FEEDCTL_MIGRATE: 'command',
  })
  token = await ground.tenant('acme')
  suspended = await ground.tenant('initech')
  await ground.installation.run(['tenant', 'suspend', 'initech'])
  document = JSON.parse((await ground.ask('/openapi.json')).body.toString()) as OpenApiDocument
  conformance = new Conformance(document)
})

afterAll(() => ground[Symbol.asyncDispose]())

interface Operation {
  readonly method: string
  /** As the document has it. */
  readonly path: string
}

const operations = (): Operation[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => ({ method: method.toUpperCase(), path })),
  )
const tenants = (): Operation[] => operations().filter(({ path }) => path.startsWith('/v1/'))
/** The types of bodies that a route reads. */
const typesOf = ({ method, path }: Operation): string[] =>
  Object.keys(document.paths[path]?.[method.toLowerCase()]?.requestBody?.content ?? {})
const withBody = (): Operation[] => tenants().filter(operation => typesOf(operation).length > 0)

function ask({ method, path }: Operation, { headers, ...asking }: Asking = {}): Promise<GivenAnswer> {
  return ground.ask(path.replace(/\{\w+\}/g, '1').replace('*', 'x'), { method, headers: headers ?? bearing(token), ...asking })
}

function bearing(one: string): Record<string, string> {
  return { authorization: `Bearer ${one}` }
}

/** What is wrong with the answers of all these routes to the same mistake; the status is asked for as well. */
async function faultsOf(
  asked: readonly Operation[],
  asking: Asking | ((operation: Operation) => Asking),
  status: number,
): Promise<string[]> {
  const found = asked.map(async operation => {
    const answer = await ask(operation, typeof asking === 'function' ? asking(operation) : asking)
    const faults = conformance.faults(operation.method, operation.path, answer)
    return answer.status === status
      ? faults
      : [`${operation.method} ${operation.path}: ${answer.status} ${answer.body}`, ...faults]
  })
  return (await Promise.all(found)).flat()
}

describe('the document at /openapi.json', () => {
  test('is valid OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document) as never)
    expect(errors ?? []).toEqual([])
    expect([valid, document.openapi]).toEqual([true, '3.1.0'])
  })

  test('has every route, and no other', () => {
    const { routes } = ground.api.built
    const registered = routes
      .filter(({ hidden, method, url }) => !hidden && (method !== 'HEAD' || url === '/media/*'))
      .map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}').replace('*', '{*}')}`)
    expect(registered.length).toBeGreaterThan(5)
    expect(
      operations()
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    ).toEqual(registered.sort())
  })

  test('says of each route what it is about', () => {
    const silent = operations().filter(({ method, path }) => {
      const { tags = [], summary = '' } = document.paths[path]?.[method.toLowerCase()] ?? { responses: {} }
      return tags.length === 0 || summary === ''
    })
    expect(silent).toEqual([])
  })

  test('says which routes need a token', () => {
    const guarded = operations().filter(
      ({ method, path }) => document.paths[path]?.[method.toLowerCase()]?.security !== undefined,
    )
    expect(guarded).toEqual(tenants())
    expect(guarded.length).toBeGreaterThan(1)
  })

  test('is not sent again to who has it', async () => {
    const { headers } = await ground.ask('/openapi.json')
    const again = await ground.ask('/openapi.json', { headers: { 'if-none-match': headers.etag ?? '' } })
    expect([again.status, again.body.length]).toEqual([304, 0])
    expect(conformance.faults('GET', '/openapi.json', again)).toEqual([])
  })
})

describe('every route answers as the document says', () => {
  test('without a token, or with a wrong one: 401', async () => {
    expect(await faultsOf(tenants(), { headers: {} }, 401)).toEqual([])
    expect(await faultsOf(tenants(), { headers: bearing('fct_wrong') }, 401)).toEqual([])
  })

  test('while its tenant is suspended: 409', async () => {
    expect(await faultsOf(tenants(), { headers: bearing(suspended) }, 409)).toEqual([])
  })

  test('while the database of its tenant waits for its migration: 503', async () => {
    const behind = await ground.tenant('behind')
    const { kysely } = ground.app.catalog
    const { placement_id } = await kysely
      .selectFrom('tenants')
      .select('placement_id')
      .where('slug', '=', 'behind')
      .executeTakeFirstOrThrow()
    await kysely.updateTable('placements').set({ schema_version: 4 }).where('id', '=', placement_id).execute()
    for (const path of ['/v1/feeds', '/v1/posts', '/v1/usage']) {
      const answer = await ask({ method: 'GET', path }, { headers: bearing(behind) })
      expect([answer.status, JSON.parse(answer.body.toString()).code]).toEqual([503, 'SCHEMA_BEHIND'])
      expect(answer.headers['retry-after']).toMatch(/^\d+$/)
      expect(conformance.faults('GET', path, answer)).toEqual([])
    }
  })

  test('to a body that is too large: 413', async () => {
    const asking = (operation: Operation) => ({
      headers: { ...bearing(token), 'content-type': typesOf(operation)[0] ?? '' },
      body: JSON.stringify('x'.repeat(MAX_BODY)),
    })
    expect(await faultsOf(withBody(), asking, 413)).toEqual([])
  })

  test('to a body of another type: 415', async () => {
    const asking = { headers: { ...bearing(token), 'content-type': 'text/plain' }, body: 'x' }
    expect(await faultsOf(withBody(), asking, 415)).toEqual([])
  })

  test('to a body that is no JSON: 400', async () => {
    const asking = { headers: { ...bearing(token), ...JSON_BODY }, body: '{"a":' }
    const readers = withBody().filter(operation => typesOf(operation).includes('application/json'))
    expect(await faultsOf(readers, asking, 400)).toEqual([])
  })

  test('to a query that it does not know: 400', async () => {
    const lists = tenants().filter(({ method, path }) => method === 'GET' && !path.includes('{'))
    const found = lists.map(async ({ method, path }) => {
      const answer = await ground.ask(`${path}?unknown=1`, { headers: bearing(token) })
      return answer.status === 400 ? conformance.faults(method, path, answer) : [`${path}: ${answer.status}`]
    })
    expect((await Promise.all(found)).flat()).toEqual([])
  })

  test('to what a tenant that has nothing asks for: a good answer, or one that is documented', async () => {
    const found = operations().map(async operation => conformance.faults(operation.method, operation.path, await ask(operation)))
    expect((await Promise.all(found)).flat()).toEqual([])
  })

  test('to a method that it has not: 405, with those that it has', async () => {
    const found = [...new Set(operations().map(({ path }) => path))].map(async path => {
      const answer = await ask({ method: 'PROPFIND', path })
      expect([answer.status, String(answer.headers.allow).split(', ')]).toEqual([405, expect.arrayContaining(methodsOf(path))])
      return conformance.faults('PROPFIND', null, answer)
    })
    expect((await Promise.all(found)).flat()).toEqual([])
  })

  test('where there is nothing: 404', async () => {
    const answers = await Promise.all(
      ['/', '/v1', '/v1/nothing', '/v1/media/1/2'].map(path =>
        ground.ask(path, { method: 'POST', headers: JSON_BODY, body: '{' }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404])
    expect(answers.flatMap(answer => conformance.faults('POST', null, answer))).toEqual([])
  })
})

describe('the check of answers bites', () => {
  const problem = { type: 't', title: 't', status: 404, detail: 'd', code: 'MEDIA_NOT_FOUND', hint: null, request_id: 'r' }
  const given = (status: number, body: unknown, type = 'application/problem+json'): GivenAnswer => ({
    status,
    headers: { 'content-type': type, 'x-request-id': 'r' },
    body: Buffer.from(JSON.stringify(body)),
  })

  test.each([
    ['a status that is not documented', given(418, problem), 'not documented to answer 418'],
    ['another type', given(404, problem, 'application/json'), 'as application/json'],
    ['a code that is not documented', given(404, { ...problem, code: 'JOB_NOT_FOUND' }), 'JOB_NOT_FOUND'],
    ['another status in the problem', given(404, { ...problem, status: 400 }), 'the problem says 400'],
    ['another request id', given(404, { ...problem, request_id: 'x' }), 'another request id'],
    ['a body that lacks something', given(404, { ...problem, title: undefined }), 'title'],
    ['a good answer that is none', given(200, { status: 'ill' }, 'application/json'), '/status', '/healthz'],
  ])('on %s', (_what, answer, words, path = '/v1/media/{id}') => {
    expect(conformance.faults('GET', path, answer).join('\n')).toContain(words)
  })

  test('on a route that is not in the document', () => {
    expect(conformance.faults('GET', '/v1/secret', given(200, {}))).toEqual(['GET /v1/secret is not in the document'])
  })
})

function methodsOf(path: string): string[] {
  return Object.keys(document.paths[path] ?? {}).map(method => method.toUpperCase())
}
