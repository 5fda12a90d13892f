import { createConnection } from 'mysql2/promise'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CATALOG_VERSION } from '../../src/doctor/catalog-state.js'
import { BIN, runNode } from '../support/bin.js'
import { runCli } from '../support/cli.js'
import { dropDatabases, sharedMariadbEnv, type TestEnv } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'

/** Settings of an installation that is not there yet. */
function freshEnv(kind: 'sqlite' | 'mysql'): TestEnv {
  const data = { FEEDCTL_DATA: temporaryFolder() }
  if (kind === 'sqlite') return data
  const env = sharedMariadbEnv()
  onTestFinished(() => dropDatabases(env))
  return { ...env, ...data }
}

async function query(env: TestEnv, text: string): Promise<unknown> {
  const connection = await createConnection({
    host: env.DB_HOST ?? '',
    port: Number(env.DB_PORT),
    user: env.DB_USERNAME ?? '',
    password: env.DB_PASSWORD ?? '',
  })
  try {
    return (await connection.query(text))[0]
  } finally {
    await connection.end()
  }
}

describe.each(['sqlite', 'mysql'] as const)('feedctl init (%s)', kind => {
  it('makes the catalog once and is calm afterwards', async () => {
    const env = freshEnv(kind)
    const database = env.DB_DATABASE ?? 'feedctl'
    const made = [await runCli(['init', '--json'], { env }), await runCli(['init', '--json'], { env })]
    expect(made.map(({ exit, out }) => [exit, JSON.parse(out)])).toEqual([
      [0, { catalog: { connection: kind, database, created: true, schema_version: CATALOG_VERSION } }],
      [0, { catalog: { connection: kind, database, created: false, schema_version: CATALOG_VERSION } }],
    ])
    expect((await runCli(['init'], { env })).out).toBe(`catalog ${database} on ${kind}: up to date, schema ${CATALOG_VERSION}\n`)
  })

  it('keeps the tenants that are there', async () => {
    const env = freshEnv(kind)
    await runCli(['init'], { env })
    await runCli(['tenant', 'create', 'acme'], { env })
    await runCli(['init'], { env })
    expect(JSON.parse((await runCli(['tenant', 'list', '--json'], { env })).out).tenants).toHaveLength(1)
  })

  it('run by several at once makes one catalog', async () => {
    const env = freshEnv(kind)
    const results = await Promise.all([1, 2, 3, 4].map(() => runNode([BIN, 'init', '--json'], { env })))
    expect(results.map(({ exit, err }) => [exit, err])).toEqual(Array(4).fill([0, '']))
    expect(results.filter(({ out }) => JSON.parse(out).catalog.created)).toHaveLength(1)
    expect((await runCli(['tenant', 'create', 'acme'], { env })).exit).toBe(0)
  })
})

describe('on MySQL', () => {
  it('makes one catalog of six who look at the same moment', async () => {
    for (let round = 0; round < 8; round++) {
      const env = freshEnv('mysql')
      const made = await Promise.all(Array.from({ length: 6 }, () => runCli(['init', '--json'], { env })))
      expect(made.map(({ exit, err }) => [exit, err])).toEqual(Array(6).fill([0, '']))
    }
  })

  it.each([
    ['tenant', 'list'],
    ['sync', '--all'],
    ['feed', 'list', 'acme'],
  ])('without init, `%s %s` says what to type', async (...argv) => {
    const env = freshEnv('mysql')
    const { exit, out, err } = await runCli(argv, { env })
    expect({ exit, out }).toEqual({ exit: 3, out: '' })
    expect(err).toBe(`error: the catalog ${env.DB_DATABASE} is missing or out of date (SCHEMA_MISSING)\n  try: feedctl init\n`)
    expect(await query(env, `show databases like '${env.DB_DATABASE}'`)).toEqual([])
  })

  it('fills an empty database that is there already', async () => {
    const env = freshEnv('mysql')
    await query(env, `create database ${env.DB_DATABASE}`)
    expect(JSON.parse((await runCli(['init', '--json'], { env })).out).catalog.created).toBe(false)
    expect((await runCli(['tenant', 'list'], { env })).exit).toBe(0)
  })

  it('refuses a database that holds something else, and leaves it', async () => {
    const env = freshEnv('mysql')
    await query(env, `create database ${env.DB_DATABASE}`)
    await query(env, `create table ${env.DB_DATABASE}.theirs (word varchar(20))`)
    const { exit, err } = await runCli(['init'], { env })
    expect(exit).toBe(4)
    expect(err).toContain(
      `error: the database ${env.DB_DATABASE} holds tables that are not feedctl's (DATABASE_TAKEN)\n  try: set DB_DATABASE`,
    )
    expect(await query(env, `show tables in ${env.DB_DATABASE}`)).toHaveLength(1)
  })

  it('refuses a catalog that a later feedctl migrated', async () => {
    const env = freshEnv('mysql')
    await runCli(['init'], { env })
    await query(
      env,
      `insert into ${env.DB_DATABASE}.feedctl_migrations select 99, catalog_id, 1 from ${env.DB_DATABASE}.feedctl_migrations limit 1`,
    )
    for (const argv of [['init'], ['tenant', 'list']]) {
      const { exit, err } = await runCli(argv, { env })
      expect(exit).toBe(3)
      expect(err).toContain('(SCHEMA_NEWER)\n  try: upgrade feedctl\n')
    }
  })

  it('says that a password is wrong, and never shows it', async () => {
    const env = { ...freshEnv('mysql'), DB_PASSWORD: 'not-the-password' }
    for (const argv of [['init'], ['tenant', 'list', '--json']]) {
      const { exit, err } = await runCli(argv, { env })
      expect(exit).toBe(3)
      expect(err).toContain('CONFIG_INVALID')
      expect(err).toContain('DB_PASSWORD')
      expect(err).not.toContain('not-the-password')
    }
  })

  it('says that the server is down', async () => {
    const env = { ...sharedMariadbEnv(), DB_PORT: '1' }
    for (const argv of [['init'], ['tenant', 'list']]) {
      const { exit, err } = await runCli(argv, { env })
      expect(exit).toBe(5)
      expect(err).toMatch(/^error: the database does not answer: .*ECONNREFUSED.* \(UNAVAILABLE\)\n {2}try: check DB_HOST/)
    }
  })
})
