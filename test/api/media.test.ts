import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiGround, errorCode, type MediaJson } from './ground.js'

interface PageJson {
  readonly media: MediaJson[]
  readonly next: number | null
}

let ground: ApiGround
let acme: string
let globex: string

beforeAll(async () => {
  ground = await ApiGround.create()
  acme = await ground.tenant('acme', ['--placement', 'shared'])
  globex = await ground.tenant('globex', ['--placement', 'shared'])
  for (let file = 1; file <= 5; file++) await ground.file('acme', { name: `acme ${file}.png` })
  await ground.file('acme', { name: 'only seen', state: 'seen', type: null, content: 'four' })
  await ground.file('globex', { name: 'acme 1.png', content: "globex's" })
})

afterAll(() => ground[Symbol.asyncDispose]())

describe('GET /v1/media', () => {
  test("lists a tenant's files in pages, and no one else's", async () => {
    const names: string[] = []
    for (let after = 0, next: number | null = 0; next !== null; after = next ?? 0) {
      const page: PageJson = await ground.json(`/v1/media?limit=4&after=${after}`, acme)
      names.push(...page.media.map(file => file.name))
      next = page.next
    }
    expect(names).toEqual(['acme 1.png', 'acme 2.png', 'acme 3.png', 'acme 4.png', 'acme 5.png', 'only seen'])
    const other: PageJson = await ground.json('/v1/media', globex)
    expect(other).toMatchObject({ media: [{ name: 'acme 1.png' }], next: null })
  })

  test('says what a file is, and for how long its link opens it', async () => {
    const { media }: PageJson = await ground.json('/v1/media?limit=1', acme)
    const sha256 = createHash('sha256').update('content of acme 1.png').digest('hex')
    expect(media).toEqual([
      {
        id: 1,
        name: 'acme 1.png',
        type: 'image/png',
        bytes: 21,
        sha256,
        url: expect.stringMatching(/^\/media\/1\/acme%201\.png\?expires=\d+&signature=[\w-]{43}$/),
        expires_at: expect.any(String),
      },
    ])
    const left = Date.parse(media[0]?.expires_at ?? '') - Date.now()
    expect(left).toBeGreaterThan(14 * 60_000)
    expect(left).toBeLessThan(21 * 60_000)
  })

  test('is kept by no cache', async () => {
    const { headers } = await ground.ask('/v1/media', { headers: { authorization: `Bearer ${acme}` } })
    expect(headers).toMatchObject({ 'cache-control': 'private, no-store', vary: 'authorization' })
  })

  test.each([
    'limit=0',
    'limit=501',
    'limit=x',
    'after=-1',
    'after=1.5',
    'limit=1&limit=2',
    'page=2',
  ])('refuses ?%s', async query => {
    const answer = await ground.ask(`/v1/media?${query}`, { headers: { authorization: `Bearer ${acme}` } })
    expect([answer.status, errorCode(answer)]).toEqual([400, 'USAGE'])
  })
})

describe('GET /v1/media/:id', () => {
  test('says what one file is', async () => {
    expect(await ground.json('/v1/media/6', acme)).toMatchObject({ id: 6, name: 'only seen', type: null, sha256: null, bytes: 4 })
  })

  test("knows nothing of another tenant's files", async () => {
    expect(await ground.json('/v1/media/1', globex)).toMatchObject({ bytes: 8 })
    const answer = await ground.ask('/v1/media/2', { headers: { authorization: `Bearer ${globex}` } })
    expect([answer.status, errorCode(answer)]).toEqual([404, 'MEDIA_NOT_FOUND'])
  })

  test.each(['x', '1.5', '-1', '1e3', '9'.repeat(16)])('refuses the id %s', async id => {
    const answer = await ground.ask(`/v1/media/${id}`, { headers: { authorization: `Bearer ${acme}` } })
    expect([answer.status, errorCode(answer)]).toEqual([400, 'USAGE'])
  })
})

describe('a token', () => {
  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer fct_wrong',
    'Basic YWNtZTo=',
    `Bearer ${'a'.repeat(5000)}`,
    "Bearer ' or 1=1",
  ])('is asked for: %j is none', async header => {
    const headers: Record<string, string> = header === undefined ? {} : { authorization: header }
    const answer = await ground.ask('/v1/media', { headers })
    expect(answer.status).toBe(401)
    expect(answer.headers).toMatchObject({ 'www-authenticate': 'Bearer', 'cache-control': 'no-store' })
    expect(JSON.parse(answer.body.toString())).toEqual({
      type: 'urn:feedctl:problem:token-invalid',
      title: 'Token invalid',
      status: 401,
      detail: 'the request bears no token of a tenant',
      code: 'TOKEN_INVALID',
      hint: null,
      request_id: answer.headers['x-request-id'],
    })
  })

  test('ends with its rotation, and opens nothing while the tenant is suspended, or once it is deleted', async () => {
    const ask = async (token: string) => {
      const answer = await ground.ask('/v1/media', { headers: { authorization: `bearer ${token}` } })
      return answer.status === 200 ? 'OK' : errorCode(answer)
    }
    const first = await ground.tenant('initech')
    const { out } = await ground.installation.run(['tenant', 'suspend', 'initech', '--json'])
    expect(out).not.toBe('')
    expect(await ask(first)).toBe('TENANT_WRONG_STATE')
    await ground.installation.run(['tenant', 'resume', 'initech'])
    await expect.poll(() => ask(first)).toBe('OK')
    await ground.installation.run(['tenant', 'delete', 'initech', '--yes'])
    await expect.poll(() => ask(first)).toBe('TOKEN_INVALID')
  })
})

test('what is nowhere is told as every refusal is', async () => {
  const answers = await Promise.all([ground.ask('/'), ground.ask('/v2/%00')])
  expect(answers.map(answer => [answer.status, errorCode(answer)])).toEqual(new Array(2).fill([404, 'ROUTE_NOT_FOUND']))
  const odd = await ground.ask('/v1/media/%zz')
  expect([odd.status, errorCode(odd)]).toEqual([400, 'USAGE'])
})

test("the installation's own trouble is told in few words, without places of the machine", async () => {
  const token = await ground.tenant('broken')
  rmSync(join(ground.app.config.data, 'databases', 'tenant_broken.db'))
  const answer = await ground.ask('/v1/media', { headers: { authorization: `Bearer ${token}` } })
  expect(answer.status).toBe(500)
  expect(JSON.parse(answer.body.toString())).toMatchObject({
    code: 'SCHEMA_MISSING',
    detail: 'the service has a fault',
    hint: null,
  })
})
