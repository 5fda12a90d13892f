import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Installation } from '../e2e/installation.js'
import { describeDatabases } from '../tenants/installation.js'

interface LoginJson {
  readonly username: string
  readonly password: string
  readonly host: string
  readonly port: number
  readonly database: string
}

async function postsOf({ host, port, username, password, database }: LoginJson): Promise<unknown> {
  const connection = await createConnection({ host, port, user: username, password, database })
  try {
    const [rows] = await connection.query('select count(*) as posts from posts')
    return rows
  } finally {
    await connection.end()
  }
}

describeDatabases('the database user of a tenant', (env, kind) => {
  let installation: Installation
  beforeAll(async () => {
    installation = await Installation.create(env)
  })
  afterAll(() => installation[Symbol.asyncDispose]())
  const json = async (...argv: string[]) => {
    const { exit, out, err } = await installation.run([...argv, '--json'])
    return {
      exit,
      ...(JSON.parse(out === '' ? err : out) as { db_user?: LoginJson; dropped?: string | null; error?: { code: string } }),
    }
  }

  if (kind === 'sqlite') {
    test('is refused, and no tenant is made', async () => {
      expect(await json('tenant', 'create', 'acme', '--db-user')).toMatchObject({ exit: 4, error: { code: 'DB_USER_REFUSED' } })
      expect(await installation.run(['tenant', 'show', 'acme'])).toMatchObject({ exit: 4 })
    })
    return
  }

  test('is made with the tenant, and its login works as it is shown', async () => {
    const made = await json('tenant', 'create', 'acme', '--db-user')
    expect(made.exit).toBe(0)
    expect(Object.keys(made.db_user ?? {})).toEqual(['username', 'password', 'host', 'port', 'database'])
    expect(await postsOf(made.db_user as LoginJson)).toEqual([{ posts: 0 }])
  })

  test('is refused for a shared placement before there is a tenant, and for many at once', async () => {
    const shared = await json('tenant', 'create', 'many', '--placement', 'shared', '--db-user')
    expect(shared).toMatchObject({ exit: 4, error: { code: 'DB_USER_REFUSED' } })
    expect(await installation.run(['tenant', 'show', 'many'])).toMatchObject({ exit: 4 })
    expect(await json('tenant', 'create', '--count', '2', '--db-user')).toMatchObject({ exit: 2 })
  })

  test('is shown without its password, rotated, dropped and made again', async () => {
    await installation.run(['tenant', 'create', 'other'])
    expect(await json('tenant', 'db-user', 'other')).toMatchObject({ exit: 0, db_user: null })
    expect(await json('tenant', 'db-user', 'other', '--rotate')).toMatchObject({ exit: 4 })
    const first = (await json('tenant', 'db-user', 'other', '--create')).db_user as LoginJson
    expect(await postsOf(first)).toEqual([{ posts: 0 }])
    expect((await json('tenant', 'db-user', 'other')).db_user).toEqual({ username: first.username, database: first.database })
    const { out } = await installation.run(['tenant', 'db-user', 'other', '--rotate'])
    const password = /shown once: (\S+)/.exec(out)?.[1] ?? ''
    await expect(postsOf(first)).rejects.toThrow(/denied/)
    expect(await postsOf({ ...first, password })).toEqual([{ posts: 0 }])
    expect(await json('tenant', 'db-user', 'other', '--drop')).toMatchObject({ exit: 2, error: { code: 'CONFIRMATION_NEEDED' } })
    expect(await json('tenant', 'db-user', 'other', '--drop', '--yes')).toMatchObject({ exit: 0, dropped: first.username })
    await expect(postsOf({ ...first, password })).rejects.toThrow(/denied/)
    expect(await json('tenant', 'db-user', 'other', '--drop', '--yes')).toMatchObject({ exit: 0, dropped: null })
    expect(await json('tenant', 'db-user', 'other', '--create')).toMatchObject({ exit: 0, db_user: { username: first.username } })
    expect(await json('tenant', 'delete', 'other', '--now', '--yes')).toMatchObject({ exit: 0 })
    await expect(postsOf(first)).rejects.toThrow(/denied/)
  })
})
