import { scryptSync } from 'node:crypto'
import { request } from 'node:http'
import { writePasswordHash } from '../../src/kernel/password-hash.js'
import type { TestEnv } from '../support/drivers.js'
import type { Answer } from './ground.js'

export const PASSWORD = 'correct horse, battery'
const SALT = Buffer.from('a salt that is known')
/** The cheapest that the settings take. */
const HASH = writePasswordHash({
  log2N: 15,
  r: 8,
  p: 1,
  salt: SALT,
  hash: scryptSync(PASSWORD, SALT, 32, { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 }),
})

/** Settings with which the dashboard is there, and opens with `PASSWORD`. */
export function withDashboard(settings: TestEnv = {}): TestEnv {
  return { FEEDCTL_OPS_PASSWORD_HASH: HASH, ...settings }
}

export interface Posting {
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON, a text as a form. */
  readonly body?: unknown
  readonly method?: string
}

/** Sends what a page or a script sends, `Host` and all. */
export function post(origin: string, path: string, { headers = {}, body = '', method = 'POST' }: Posting = {}): Promise<Answer> {
  const { hostname, port } = new URL(origin)
  const isForm = typeof body === 'string'
  const text = isForm ? body : JSON.stringify(body)
  const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json'
  return new Promise((resolve, reject) => {
    const asking = request(
      { hostname, port, path, method, headers: { 'content-type': type, ...headers }, agent: false },
      response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        )
      },
    )
    asking.on('error', reject)
    asking.end(text)
  })
}

export interface LoggedIn {
  /** For the Cookie header. */
  readonly cookie: string
  readonly token: string
}

export async function logIn(origin: string, password = PASSWORD): Promise<LoggedIn> {
  const answer = await post(origin, '/ops/login', { body: { password } })
  if (answer.status !== 200) throw new Error(`login is answered with ${answer.status}: ${answer.body}`)
  const { token } = JSON.parse(answer.body.toString()) as { token: string }
  return { cookie: cookieOf(answer), token }
}

/** `name=value` of the session's cookie, the first that was set. */
export function cookieOf({ headers }: Answer): string {
  const [first = ''] = headers['set-cookie'] ?? []
  return first.split(';', 1)[0] ?? ''
}
