import { randomBytes } from 'node:crypto'
import { createConnection } from 'mysql2/promise'
import type { TestEnv } from './drivers.js'

/** A user of the MariaDB of these settings that may do what the grants say and nothing else; `env` has its settings by environment name, `settings` by key. */
export async function limitedUser(env: TestEnv, grants: readonly string[]) {
  const username = `ft_${randomBytes(6).toString('hex')}`
  const password = randomBytes(12).toString('hex')
  const run = async (...statements: readonly string[]) => {
    const login = {
      host: env.DB_HOST ?? '',
      port: Number(env.DB_PORT),
      user: env.DB_USERNAME ?? '',
      password: env.DB_PASSWORD ?? '',
    }
    const connection = await createConnection(login)
    try {
      for (const statement of statements) await connection.query(statement)
    } finally {
      await connection.end()
    }
  }
  const to = `'${username}'@'%'`
  await run(
    `create user ${to} identified by '${password}'`,
    ...grants.map(grant => {
      const [what, option = ''] = grant.split(/ (?=with grant option$)/i)
      return `grant ${what} to ${to} ${option}`
    }),
  )
  return {
    username,
    env: { ...env, DB_USERNAME: username, DB_PASSWORD: password },
    settings: { dbUsername: username, dbPassword: password },
    /** As the administrator of the server. */
    run,
    [Symbol.asyncDispose]: () => run(`drop user if exists ${to}`),
  }
}
