import { expect, onTestFinished, test } from 'vitest'
import { type Api, serveApi } from '../../src/api/server.js'
import { hashPassword } from '../../src/api/sessions/password.js'
import { sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'
import { startRedis } from '../support/redis.js'
import { openParts } from '../watch/rows.js'
import { ask, errorCode } from './ground.js'
import { logIn, PASSWORD, post, withDashboard } from './ops-ground.js'

const WRONG = 'a password that nobody has'

/** A process of the installation's API, and what it logs. */
async function served(env: TestEnv): Promise<{ api: Api; lines: string[] }> {
  const lines: string[] = []
  const app = await openParts(env, line => lines.push(line))
  const api = await serveApi(app, { host: '127.0.0.1', port: 0 })
  // Before its parts are closed.
  onTestFinished(async () => void (await api.stop(500)))
  return { api, lines }
}

const asPage = { accept: 'text/html' }
const failing = (origin: string, times: number, headers: Record<string, string> = {}) =>
  Promise.all(Array.from({ length: times }, () => post(origin, '/ops/login', { body: { password: WRONG }, headers })))

test('after five failures an address waits, with the right password too, and its log names it and no password', async () => {
  const { api, lines } = await served(withDashboard({ FEEDCTL_DATA: temporaryFolder(), FEEDCTL_TRUSTED_PROXIES: '127.0.0.1' }))
  const headers = { 'x-forwarded-for': '198.51.100.4', 'x-forwarded-proto': 'https' }
  const answers = await failing(api.url, 8, headers)
  expect(answers.map(answer => errorCode(answer)).sort()).toEqual([
    ...Array(3).fill('LOGIN_LOCKED'),
    ...Array(5).fill('LOGIN_REFUSED'),
  ])
  const right = await post(api.url, '/ops/login', { body: { password: PASSWORD }, headers })
  expect([right.status, errorCode(right)]).toEqual([429, 'LOGIN_LOCKED'])
  const waitS = Number(right.headers['retry-after'])
  expect(waitS).toBeGreaterThan(0)
  expect(waitS).toBeLessThanOrEqual(60)
  const shown = await post(api.url, '/ops/login', {
    body: `password=${PASSWORD}`,
    headers: { ...headers, ...asPage, origin: `https://${new URL(api.url).host}` },
  })
  expect(shown.status).toBe(429)
  expect(shown.body.toString()).toMatch(/Too many logins failed\. Try again in \d+ seconds\./)
  // Others are not locked out with it.
  expect(
    (
      await post(api.url, '/ops/login', {
        body: { password: PASSWORD },
        headers: { ...headers, 'x-forwarded-for': '198.51.100.5' },
      })
    ).status,
  ).toBe(200)
  const said = lines.join('\n')
  expect(said.match(/warn ops: a login failed address="198\.51\.100\.4"/g)).toHaveLength(5)
  expect(said).toMatch(/warn ops: a login has to wait address="198\.51\.100\.4" wait_s=\d+/)
  expect(said).not.toMatch(/correct horse|nobody has/)
})

test('failures of many addresses make others slower, and keep nobody out', async () => {
  const { api } = await served(withDashboard({ FEEDCTL_DATA: temporaryFolder(), FEEDCTL_TRUSTED_PROXIES: '127.0.0.1' }))
  const from = (address: string) => ({ 'x-forwarded-for': address, 'x-forwarded-proto': 'https' })
  for (let address = 0; address < 22; address++) await failing(api.url, 1, from(`203.0.113.${address}`))
  const right = await post(api.url, '/ops/login', { body: { password: PASSWORD }, headers: from('203.0.113.200') })
  expect(right.status).toBe(200)
})

test('a browser in which the operator has logged in does not wait for what others fail to do, at its own address or anywhere', async () => {
  const { api } = await served(withDashboard({ FEEDCTL_DATA: temporaryFolder() }))
  const login = await post(api.url, '/ops/login', { body: { password: PASSWORD } })
  const mark = login.headers['set-cookie']?.[1]?.split(';', 1)[0] ?? ''
  await failing(api.url, 6)
  const again = (cookie: string, password = PASSWORD) => post(api.url, '/ops/login', { body: { password }, headers: { cookie } })
  expect(errorCode(await again(''))).toBe('LOGIN_LOCKED')
  expect(errorCode(await again(mark.replace(/.$/, last => (last === 'A' ? 'B' : 'A'))))).toBe('LOGIN_LOCKED')
  expect((await again(mark)).status).toBe(200)
  // Who has stolen it gets no more tries than others.
  for (let times = 0; times < 5; times++) expect(errorCode(await again(mark, WRONG))).toBe('LOGIN_REFUSED')
  expect(errorCode(await again(mark))).toBe('LOGIN_LOCKED')
})

test('on Redis a session and the failures count in every process, and beyond a restart; another password ends it', async () => {
  await using redis = await startRedis()
  const env = withDashboard({ ...sharedRedisEnv(), ...redis.env, SESSION_DRIVER: 'redis', FEEDCTL_DATA: temporaryFolder() })
  // On this machine the cookie's name has the port.
  const at = ({ url }: Api, cookie: string) => cookie.replace(/^feedctl-\d+/, `feedctl-${new URL(url).port}`)
  const status = async (api: Api, cookie: string) =>
    (await ask(api.url, '/ops/overview.json', { headers: { cookie: at(api, cookie) } })).status
  const first = await served(env)
  const second = await served(env)
  const { cookie, token } = await logIn(first.api.url)
  expect([await status(first.api, cookie), await status(second.api, cookie)]).toEqual([200, 200])
  await first.api.stop(500)
  const third = await served(env)
  expect(await status(third.api, cookie)).toBe(200)
  await failing(second.api.url, 5)
  expect(errorCode(await post(third.api.url, '/ops/login', { body: { password: PASSWORD } }))).toBe('LOGIN_LOCKED')
  const changed = await served({ ...env, FEEDCTL_OPS_PASSWORD_HASH: await hashPassword('another password') })
  expect(await status(changed.api, cookie)).toBe(401)
  expect(
    (await post(third.api.url, '/ops/logout-everywhere', { body: { token }, headers: { cookie: at(third.api, cookie) } })).status,
  ).toBe(204)
  expect([await status(second.api, cookie), await status(third.api, cookie)]).toEqual([401, 401])
})

test('while Redis is away nobody logs in or looks, the rest of the API goes on, and all comes back by itself', async () => {
  await using redis = await startRedis()
  const env = withDashboard({ ...sharedRedisEnv(), ...redis.env, SESSION_DRIVER: 'redis', FEEDCTL_DATA: temporaryFolder() })
  const { api, lines } = await served(env)
  const { cookie } = await logIn(api.url)
  await redis.stop()
  const [login, look, shown, other] = await Promise.all([
    post(api.url, '/ops/login', { body: { password: PASSWORD } }),
    ask(api.url, '/ops/overview.json', { headers: { cookie } }),
    ask(api.url, '/ops', { headers: { cookie, ...asPage } }),
    ask(api.url, '/v1/media'),
  ])
  expect([login, look].map(answer => [answer.status, errorCode(answer)])).toEqual(Array(2).fill([503, 'UNAVAILABLE']))
  expect(shown.status).toBe(503)
  expect(shown.body.toString()).toContain('Redis does not answer')
  expect([other.status, errorCode(other)]).toEqual([401, 'TOKEN_INVALID'])
  expect(lines.join('\n')).toContain('the sessions in Redis do not answer')
  await redis.start()
  await expect.poll(async () => (await ask(api.url, '/ops/overview.json', { headers: { cookie } })).status).toBe(200)
})
