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
  onTestFinished(() => void api.stop(500))
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

test('failures of many addresses lock everybody out, but for those who are logged in', async () => {
  const { api } = await served(withDashboard({ FEEDCTL_DATA: temporaryFolder(), FEEDCTL_TRUSTED_PROXIES: '127.0.0.1' }))
  const { cookie } = await logIn(api.url)
  for (let address = 0; address < 20; address += 4) {
    await Promise.all(
      [0, 1, 2, 3].map(more =>
        failing(api.url, 1, { 'x-forwarded-for': `203.0.113.${address + more}`, 'x-forwarded-proto': 'https' }),
      ),
    )
  }
  const right = await post(api.url, '/ops/login', {
    body: { password: PASSWORD },
    headers: { 'x-forwarded-for': '203.0.113.200', 'x-forwarded-proto': 'https' },
  })
  expect([right.status, errorCode(right)]).toEqual([429, 'LOGIN_LOCKED'])
  expect((await ask(api.url, '/ops/overview.json', { headers: { cookie } })).status).toBe(200)
})

test('on Redis a session and the failures count in every process, and beyond a restart; another password ends it', async () => {
  await using redis = await startRedis()
  const env = withDashboard({ ...sharedRedisEnv(), ...redis.env, SESSION_DRIVER: 'redis', FEEDCTL_DATA: temporaryFolder() })
  const status = async ({ url }: Api, cookie: string) => (await ask(url, '/ops/overview.json', { headers: { cookie } })).status
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
  expect((await post(third.api.url, '/ops/logout-everywhere', { body: { token }, headers: { cookie } })).status).toBe(204)
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
