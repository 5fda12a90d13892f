import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiGround, ask, errorCode } from './ground.js'
import { cookieOf, logIn, PASSWORD, post, withDashboard } from './ops-ground.js'

let ground: ApiGround
let origin: string

beforeAll(async () => {
  ground = await ApiGround.create(withDashboard({ FEEDCTL_TRUSTED_PROXIES: '127.0.0.1' }))
  origin = ground.api.url
})

afterAll(() => ground[Symbol.asyncDispose]())

/** Each test has an address of its own: failures of one are not another's. */
let addresses = 0
function from(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { 'x-forwarded-for': `192.0.2.${++addresses}`, 'x-forwarded-proto': 'https', host: 'ops.example.com', ...headers }
}

const page = { accept: 'text/html' }
const form = (password: string) => new URLSearchParams({ password }).toString()

describe('a login', () => {
  test('by the form sets a cookie that only this host gets, over https, and no script', async () => {
    const answer = await post(origin, '/ops/login', {
      body: form(PASSWORD),
      headers: from({ ...page, origin: 'https://ops.example.com' }),
    })
    expect([answer.status, answer.headers.location]).toEqual([303, '/ops'])
    const [cookie = '', mark, ...more] = answer.headers['set-cookie'] ?? []
    expect(more).toEqual([])
    expect(cookie).toMatch(/^__Host-feedctl=[\w-]{43}; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Strict$/)
    expect(mark).toMatch(
      /^__Host-feedctl-device=[\w-]{22}\.\d+\.[\w-]{43}; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Strict$/,
    )
    const shown = await ask(origin, '/ops', { headers: from({ cookie: cookieOf(answer) }) })
    expect(shown.body.toString()).toContain('action="/ops/logout-everywhere"')
  })

  test('on this machine needs no https, and gets a cookie of another name, in which the port is', async () => {
    const answer = await post(origin, '/ops/login', { body: { password: PASSWORD } })
    expect(answer.status).toBe(200)
    const [cookie = ''] = answer.headers['set-cookie'] ?? []
    expect(cookie).toMatch(/^feedctl-\d+=[\w-]{43}; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/)
    expect(cookie).toContain(`feedctl-${new URL(origin).port}=`)
    expect(JSON.parse(answer.body.toString())).toEqual({
      ends_at: expect.stringMatching(/Z$/),
      token: expect.stringMatching(/^[\w-]{43}$/),
    })
    expect((await ask(origin, '/ops/overview.json', { headers: { cookie: cookieOf(answer) } })).status).toBe(200)
    // The same id under the name that https has is not taken for one.
    const renamed = cookieOf(answer).replace(/^feedctl-\d+/, '__Host-feedctl')
    expect((await ask(origin, '/ops/overview.json', { headers: { cookie: renamed } })).status).toBe(401)
  })

  test.each([
    ['from another name over plain http', { host: 'ops.example.com' }, 'over plain http'],
    ['through a proxy that says nothing of https', { host: '127.0.0.1', 'x-forwarded-for': '192.0.2.99' }, 'X-Forwarded-Proto'],
    ['through a proxy that says http', { host: '127.0.0.1', 'x-forwarded-proto': 'http' }, 'X-Forwarded-Proto'],
  ])('%s is refused, and says why', async (_what, headers, why) => {
    const answer = await post(origin, '/ops/login', { body: { password: PASSWORD }, headers })
    expect([answer.status, errorCode(answer)]).toEqual([403, 'FORM_INVALID'])
    expect(answer.headers['set-cookie']).toBeUndefined()
    const shown = await ask(origin, '/ops', { headers: { ...headers, ...page } })
    expect(shown.status).toBe(403)
    expect(shown.body.toString()).toContain(why)
    expect(shown.body.toString()).not.toContain('type="password"')
  })

  test('with another password is refused, in words for a person and for a script', async () => {
    const headers = from()
    const told = await post(origin, '/ops/login', { body: { password: `${PASSWORD}.` }, headers })
    expect([told.status, errorCode(told)]).toEqual([401, 'LOGIN_REFUSED'])
    const shown = await post(origin, '/ops/login', {
      body: form('wrong'),
      headers: { ...headers, ...page, origin: 'https://ops.example.com' },
    })
    expect(shown.status).toBe(401)
    expect(shown.headers['content-type']).toMatch('text/html')
    expect(shown.body.toString()).toContain('This is not the password.')
  })

  test.each([
    ['nothing', {}],
    ['an empty one', { password: '' }],
    ['a number', { password: 1 }],
    ['an object', { password: { toString: 1 } }],
    ['a list', [PASSWORD]],
    ['one that is too long', { password: 'x'.repeat(1025) }],
  ])('with %s for a password is refused', async (_what, body) => {
    const answer = await post(origin, '/ops/login', { body, headers: from() })
    expect([answer.status, errorCode(answer)]).toEqual([401, 'LOGIN_REFUSED'])
  })

  test('with more than a password is too large', async () => {
    const answer = await post(origin, '/ops/login', { body: { password: PASSWORD, more: 'x'.repeat(9_000) }, headers: from() })
    expect(answer.status).toBe(413)
  })

  test('begins a new session, and ends the one that the browser had', async () => {
    const first = await logIn(origin)
    const second = cookieOf(await post(origin, '/ops/login', { body: { password: PASSWORD }, headers: { cookie: first.cookie } }))
    expect(second).not.toBe(first.cookie)
    const status = async (cookie: string) => (await ask(origin, '/ops/overview.json', { headers: { cookie } })).status
    expect([await status(first.cookie), await status(second)]).toEqual([401, 200])
    // An id that somebody else chose opens nothing afterwards.
    const chosen = `feedctl-${new URL(origin).port}=${'a'.repeat(43)}`
    await post(origin, '/ops/login', { body: { password: PASSWORD }, headers: { cookie: chosen } })
    expect(await status(chosen)).toBe(401)
  })
})

describe('a request of another page', () => {
  const foreign = [
    ['of another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['of a neighbour', { 'sec-fetch-site': 'same-site', origin: 'https://other.example.com' }],
    ['of another origin, in an old browser', { origin: 'https://evil.example' }],
    ['of another scheme', { origin: 'http://ops.example.com' }],
    ['of a page that hides where it is', { origin: 'null' }],
    ['that was typed in', { 'sec-fetch-site': 'none' }],
  ] as const

  test.each(foreign)('%s logs nobody in', async (_what, headers) => {
    const answer = await post(origin, '/ops/login', { body: form(PASSWORD), headers: from(headers) })
    expect([answer.status, errorCode(answer)]).toEqual([403, 'FORM_INVALID'])
    expect(answer.headers['set-cookie']).toBeUndefined()
  })

  test('that is a form and says nothing of where it comes from is refused; a script may send JSON', async () => {
    const answer = await post(origin, '/ops/login', { body: form(PASSWORD), headers: from() })
    expect([answer.status, errorCode(answer)]).toEqual([403, 'FORM_INVALID'])
    expect((await post(origin, '/ops/login', { body: { password: PASSWORD }, headers: from() })).status).toBe(200)
  })

  test.each([
    '/ops/logout',
    '/ops/logout-everywhere',
  ])('ends no session at %s, not even from here without the token', async path => {
    const { cookie, token } = await logIn(origin)
    const other = await logIn(origin)
    const tries = [
      { body: { token }, headers: { cookie, origin: 'https://evil.example' } },
      { body: {}, headers: { cookie } },
      { body: { token: other.token }, headers: { cookie } },
      { body: { token: `${token}x` }, headers: { cookie } },
    ]
    for (const posting of tries) {
      const answer = await post(origin, path, posting)
      expect([answer.status, errorCode(answer)]).toEqual([403, 'FORM_INVALID'])
    }
    expect((await ask(origin, '/ops/overview.json', { headers: { cookie } })).status).toBe(200)
    expect((await ask(origin, path, { headers: { cookie } })).status).toBe(405)
  })

  test('leads here by a link, and the page comes once more, with the cookie', async () => {
    const shown = await ask(origin, '/ops', { headers: { 'sec-fetch-site': 'cross-site', ...page } })
    expect(shown.body.toString()).toContain('http-equiv="refresh"')
    expect((await ask(origin, '/ops', { headers: { 'sec-fetch-site': 'same-origin', ...page } })).body.toString()).toContain(
      'type="password"',
    )
  })
})

describe('a logout', () => {
  test('ends this session, and is calm when there is none', async () => {
    const { cookie, token } = await logIn(origin)
    const other = await logIn(origin)
    const answer = await post(origin, '/ops/logout', { body: { token }, headers: { cookie } })
    expect(answer.status).toBe(204)
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^feedctl-\d+=; Max-Age=0; Path=\//)
    const again = await post(origin, '/ops/logout', { body: `token=${token}`, headers: { cookie, origin, ...page } })
    expect([again.status, again.headers.location]).toEqual([303, '/ops'])
    expect((await ask(origin, '/ops/overview.json', { headers: { cookie } })).status).toBe(401)
    expect((await ask(origin, '/ops/overview.json', { headers: { cookie: other.cookie } })).status).toBe(200)
  })

  test('everywhere ends all sessions', async () => {
    const [one, two] = [await logIn(origin), await logIn(origin)]
    expect(
      (await post(origin, '/ops/logout-everywhere', { body: { token: one.token }, headers: { cookie: one.cookie } })).status,
    ).toBe(204)
    for (const { cookie } of [one, two]) {
      const answer = await ask(origin, '/ops/overview.json', { headers: { cookie } })
      expect([answer.status, errorCode(answer)]).toEqual([401, 'SESSION_INVALID'])
    }
    expect((await ask(origin, '/ops/overview.json', { headers: { cookie: (await logIn(origin)).cookie } })).status).toBe(200)
  })
})

test('without a password there is no dashboard', async () => {
  await using bare = await ApiGround.create()
  const answers = [
    await ask(bare.api.url, '/ops'),
    await ask(bare.api.url, '/ops/overview.json'),
    await ask(bare.api.url, '/ops/events'),
    await post(bare.api.url, '/ops/login', { body: { password: PASSWORD } }),
  ]
  expect(answers.map(answer => [answer.status, errorCode(answer)])).toEqual(answers.map(() => [404, 'ROUTE_NOT_FOUND']))
})
