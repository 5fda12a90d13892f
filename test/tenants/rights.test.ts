import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serveApi } from '../../src/api/server.js'
import { openApp } from '../../src/app.js'
import { loadConfig } from '../../src/kernel/config.js'
import { Log } from '../../src/kernel/log.js'
import { applyMigrations, CATALOG_MIGRATIONS, openServer, TENANT_MIGRATIONS } from '../../src/tenants/databases/index.js'
import { parseDatabaseName } from '../../src/tenants/ids.js'
import { dbUserRights, grantStatement, missingRights, neededRights, type Right } from '../../src/tenants/rights.js'
import { ask } from '../api/ground.js'
import { doctor } from '../doctor/examined.js'
import { Installation } from '../e2e/installation.js'
import { type Publisher, startPublisher } from '../e2e/publisher.js'
import { runCli } from '../support/cli.js'
import { sharedMariadbEnv, type TestEnv } from '../support/drivers.js'
import { limitedUser } from '../support/limited-user.js'
import { startMariadb } from '../support/mariadb.js'

const DOCUMENT = new URL('../../docs/mysql-rights.md', import.meta.url)
const FEED = `<rss version="2.0"><channel><title>t</title><link>http://x/</link><description>d</description>
<item><guid>1</guid><title>one</title><description>first</description></item></channel></rss>`

/** `SELECT, INSERT ON ... [WITH GRANT OPTION]` of every GRANT of the document, in these names. */
function documented(env: TestEnv): string[] {
  const statements = [...readFileSync(DOCUMENT, 'utf8').matchAll(/^GRANT (.+ ON .+) TO 'feedctl'@'%'( WITH GRANT OPTION)?;$/gm)]
  const escaped = (name = '') => name.replaceAll('_', '\\_')
  return statements.map(([, what = '', option = '']) => {
    const named = what.replace('`feedctl`', `\`${escaped(env.DB_DATABASE)}\``)
    return `${named.replace('`tenant\\_%`', `\`${escaped(env.FEEDCTL_DATABASE_PREFIX)}%\``)}${option}`
  })
}

let publisher: Publisher
beforeAll(async () => {
  publisher = await startPublisher((_path, response) => void response.setHeader('content-type', 'application/rss+xml').end(FEED))
})
afterAll(() => publisher[Symbol.asyncDispose]())

describe('the documented rights', () => {
  it('are those that the doctor looks for', () => {
    const names = { catalog: 'feedctl', prefix: 'tenant_' }
    const statements = [...neededRights(names), ...dbUserRights(names)].map(right => grantStatement(right, "'feedctl'@'%'"))
    expect(readFileSync(DOCUMENT, 'utf8').match(/^GRANT .*$/gm)).toEqual(statements)
  })

  it('are enough for the whole life of an installation', async () => {
    const env = sharedMariadbEnv()
    await using limited = await limitedUser(env, documented(env))
    await using installation = await Installation.create(env)
    await limited.run(`drop database \`${env.DB_DATABASE}\``)
    const run = async (...argv: string[]) => {
      const end = await runCli([...argv, '--json'], { env: its })
      expect([argv, end.exit, end.err]).toEqual([argv, 0, ''])
      return JSON.parse(end.out)
    }
    await using second = await startMariadb()
    const login = {
      DB_HOST: second.host,
      DB_PORT: String(second.port),
      DB_USERNAME: second.username,
      DB_PASSWORD: second.password,
    }
    await using there = await limitedUser({ ...env, ...login }, documented(env).slice(1, 2))
    const its = {
      ...installation.env,
      ...limited.env,
      FEEDCTL_HOST_PASSWORDS: JSON.stringify({ second: there.settings.dbPassword }),
    }
    expect(await run('init')).toMatchObject({ catalog: { created: true } })
    const { token } = await run('tenant', 'create', 'acme', '--db-user')
    await run('tenant', 'create', 'many', '--placement', 'shared')
    for (const slug of ['acme', 'many']) await run('feed', 'add', slug, publisher.urlOf('/feed'), '--unseen')
    const { posts } = await run('sync', '--all', '--progress', 'none')
    expect(posts.new).toBe(2)
    {
      const { config } = loadConfig({ env: its, envFile: '/nonexistent/.env', envFileNamed: false })
      await using app = await openApp(config, new Log(() => {}))
      const api = await serveApi(app, { host: '127.0.0.1', port: 0 })
      const answer = await ask(api.url, '/v1/posts', { headers: { authorization: `Bearer ${token}` } })
      await api.stop(1000)
      expect(answer.status).toBe(200)
    }
    const findings = (await doctor(its)).findings.filter(({ id }) => id.startsWith('database.'))
    expect(findings.filter(({ evidence }) => /denied|lacks|cannot look/.test(evidence))).toEqual([])
    expect(findings.find(({ id }) => id === 'database.rights')).toMatchObject({ severity: 'ok' })
    await run('tenant', 'db-user', 'acme', '--rotate')
    await run('tenant', 'migrate', '--all', '--progress', 'none')
    await run('tenant', 'migrate', '--check', '--drift', '--progress', 'none')
    for (const to of ['dedicated', 'shared']) {
      await run('tenant', 'move', 'many', '--to', to, '--progress', 'none')
      await run('tenant', 'move', 'many', '--finish', '--yes', '--progress', 'none')
    }
    await run('host', 'add', 'second', '--address', `${second.host}:${second.port}`, '--username', there.username)
    await run('tenant', 'move', 'many', '--to', 'second/dedicated', '--progress', 'none')
    await run('tenant', 'suspend', 'many')
    await run('tenant', 'resume', 'many')
    await run('feed', 'remove', 'acme', '1')
    for (const slug of ['acme', 'many']) await run('tenant', 'delete', slug, '--now', '--yes')
    expect((await run('tenant', 'list')).tenants).toEqual([])
  })
})

describe('each of the documented rights', () => {
  const env = sharedMariadbEnv()
  let installation: Installation
  beforeAll(async () => {
    installation = await Installation.create(env)
    for (const slug of ['acme', 'leaving', 'going']) await installation.createTenant(slug, [])
    await installation.run(['feed', 'add', 'acme', publisher.urlOf('/feed'), '--unseen'])
    await installation.sync('--all')
  })
  afterAll(() => installation[Symbol.asyncDispose]())

  /** Makes what an earlier feedctl left, and answers the settings that lead there. */
  const old = async (what: 'catalog' | 'tenant'): Promise<TestEnv> => {
    const names = sharedMariadbEnv()
    const its = { ...installation.env, ...names, FEEDCTL_MIGRATE: 'lazy' }
    const { config } = loadConfig({ env: its, envFile: '/nonexistent/.env', envFileNamed: false })
    const server = await openServer(config)
    try {
      if (what === 'catalog') {
        const name = parseDatabaseName(names.DB_DATABASE ?? '')
        await server.create(name)
        await applyMigrations(await server.hold(name), CATALOG_MIGRATIONS.slice(0, 1), 'catalog-id', 1)
        return its
      }
      await runCli(['init'], { env: its })
      await runCli(['tenant', 'create', 'acme'], { env: its })
      const name = parseDatabaseName(`${names.FEEDCTL_DATABASE_PREFIX}acme`)
      const catalog = await server.hold<{ feedctl_migrations: { catalog_id: string } }>(
        parseDatabaseName(names.DB_DATABASE ?? ''),
      )
      const { catalog_id } = await catalog.kysely
        .selectFrom('feedctl_migrations')
        .select('catalog_id')
        .limit(1)
        .executeTakeFirstOrThrow()
      await server.drop(name)
      await server.create(name)
      await applyMigrations(await server.hold(name), TENANT_MIGRATIONS.slice(0, 1), catalog_id, 1)
      const held = await server.hold<{ placements: { schema_version: number; database_name: string } }>(
        parseDatabaseName(names.DB_DATABASE ?? ''),
      )
      await held.kysely.updateTable('placements').set({ schema_version: 1 }).where('database_name', '=', name).execute()
      return its
    } finally {
      await server.close()
    }
  }
  const here = async () => installation.env
  const fresh = async () => ({ ...installation.env, ...sharedMariadbEnv() })
  const catalogOld = () => old('catalog')
  const tenantOld = () => old('tenant')

  it.each<[where: 0 | 1 | 2 | 3, privilege: string, argv: string[], on: () => Promise<TestEnv>]>([
    [0, 'SELECT', ['tenant', 'list'], here],
    [0, 'INSERT', ['tenant', 'create', 'new'], here],
    [0, 'UPDATE', ['tenant', 'suspend', 'acme'], here],
    [0, 'DELETE', ['tenant', 'delete', 'going', '--now', '--yes'], here],
    [0, 'CREATE', ['init'], fresh],
    [0, 'ALTER', ['init'], catalogOld],
    [1, 'SELECT', ['feed', 'list', 'acme'], here],
    [1, 'INSERT', ['feed', 'add', 'acme', 'https://example.org/feed.xml', '--unseen'], here],
    [1, 'UPDATE', ['feed', 'add', 'acme', 'https://example.org/feed.xml', '--unseen'], here],
    [1, 'DELETE', ['feed', 'remove', 'acme', '1'], here],
    [1, 'CREATE', ['tenant', 'create', 'other'], here],
    [1, 'ALTER', ['feed', 'list', 'acme'], tenantOld],
    [1, 'DROP', ['tenant', 'delete', 'leaving', '--now', '--yes'], here],
    [2, 'CREATE USER', ['tenant', 'db-user', 'acme', '--create'], here],
    [3, ' WITH GRANT OPTION', ['tenant', 'db-user', 'acme', '--create'], here],
  ])('is needed: GRANT %i without %s cannot %j', async (where, privilege, argv, on) => {
    const its = await on()
    // What database users need comes after, and gives some of the others as well.
    const without = documented(its)
      .slice(0, where < 2 ? 2 : 4)
      .flatMap((grant, at) => {
        if (at !== where) return [grant]
        const left = grant.replace(new RegExp(`${privilege}(, (?=[A-Z])| (?=ON )|$)|, ${privilege}(?=,| ON)`), '')
        return left.startsWith('ON') ? [] : [left]
      })
    expect(without.join()).not.toBe(documented(its).join())
    await using limited = await limitedUser(its, without)
    try {
      const refused = await runCli([...argv, '--json'], { env: limited.env })
      expect(refused).toMatchObject({ exit: 3, out: '' })
      expect(JSON.parse(refused.err.trim().split('\n').at(-1) ?? '').error.message).toMatch(/denied/)
    } finally {
      await limited.run(`drop database if exists \`${its.DB_DATABASE === env.DB_DATABASE ? 'ft_none' : its.DB_DATABASE}\``)
      if (its.DB_DATABASE !== env.DB_DATABASE) await limited.run(`drop database if exists \`${its.FEEDCTL_DATABASE_PREFIX}acme\``)
    }
  })
})

describe('what of the needed rights is missing', () => {
  const needed = neededRights({ catalog: 'feedctl', prefix: 'tenant_' })
  const right = (privileges: string, on: string, withGrantOption = false): Right => ({
    privileges: privileges.split(', '),
    on,
    withGrantOption,
  })
  const all = 'SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP'

  it.each<[words: string, held: Right[], missing: string[]]>([
    ['nothing, of who may do everything', [right('ALL PRIVILEGES', '*')], []],
    ['nothing, of who may do all in every database', [right('ALL PRIVILEGES', '%')], []],
    ['nothing, whether `_` is escaped or not', [right(all, 'feedctl'), right(all, 'tenant_%')], []],
    ['the catalog', [right(all, 'tenant\\_%')], ['SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER feedctl']],
    ['tenants, of who has one of them', [right(all, 'feedctl'), right(all, 'tenant\\_acme')], [`${all} tenant\\_%`]],
    ['one privilege', [right(all, 'feedctl'), right(all.replace(', DROP', ''), 'tenant\\_%')], ['DROP tenant\\_%']],
    [
      'what two grants do not give together',
      [right('SELECT', '*'), right('INSERT, UPDATE, DELETE, CREATE', '%')],
      ['ALTER feedctl', 'ALTER, DROP tenant\\_%'],
    ],
  ])('is %s', (_words, held, missing) => {
    expect(missingRights(needed, held).map(({ privileges, on }) => `${privileges.join(', ')} ${on}`)).toEqual(missing)
  })

  it('is the option to grant, whatever else is held', () => {
    const users = dbUserRights({ catalog: 'feedctl', prefix: 'tenant_' })
    expect(missingRights(users, [right('CREATE USER', '*'), right('SELECT', 'tenant\\_%')])).toEqual([users[1]])
    expect(missingRights(users, [right('CREATE USER', '*'), right('SELECT', 'tenant\\_%', true)])).toEqual([])
    expect(missingRights(users, [right('ALL PRIVILEGES', '*', true)])).toEqual([])
    expect(missingRights(users, [right('ALL PRIVILEGES', '%', true)])).toEqual([users[0]])
  })
})
