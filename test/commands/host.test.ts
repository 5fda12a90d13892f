import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { runCli } from '../support/cli.js'
import { secondHost } from '../support/second-host.js'
import { describeDatabases } from '../tenants/installation.js'

describeDatabases('feedctl host', (env, kind) => {
  const second = secondHost(kind)
  const mine = () => second.with(env, 'second')
  const json = async (...argv: string[]) => {
    const { exit, out, err } = await runCli(['--json', '--progress', 'none', ...argv], { env: mine() })
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    return JSON.parse(out)
  }
  const refused = async (...argv: string[]) => {
    const { exit, err } = await runCli(['--json', ...argv], { env: mine() })
    const { code, message, hint } = JSON.parse(err).error
    return { exit, code, message, hint }
  }
  const hostsOf = async () => (await json('host', 'list')).hosts

  test('adds a host that answers, lists it, and refuses the name, and the server, a second time', async () => {
    expect((await runCli(['init'], { env })).exit).toBe(0)
    expect(await hostsOf()).toMatchObject([{ name: 'default', state: 'open', weight: 100, tenants: 0, answers: true, why: null }])
    const added = await json('host', 'add', 'second', '--address', second.address, '--weight', '300', '--max-tenants', '5')
    expect(added.host).toMatchObject({ name: 'second', address: second.address, state: 'open', weight: 300, max_tenants: 5 })
    expect(await refused('host', 'add', 'second', '--address', second.address)).toMatchObject({ exit: 4, code: 'HOST_EXISTS' })
    const { out } = await runCli(['host', 'list'], { env: mine(), tty: { columns: 80 } })
    const lines = stripVTControlCharacters(out).split('\n')
    expect(lines[2]).toMatch(/^second +open +0\/5 +0 +300 +- /)
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(80)
  })

  test('places new tenants by weight and fullness, and as they are asked for', async () => {
    const made = await json('tenant', 'create', '--count', '8', '--prefix', 'w')
    expect(made.tenants).toMatchObject({ created: 8, failed: 0 })
    // Three of four go to the weight of 300 until it has its five.
    expect(await hostsOf()).toMatchObject([
      { name: 'default', tenants: 3 },
      { name: 'second', tenants: 5, databases: 5 },
    ])
    expect(await refused('tenant', 'create', 'over', '--host', 'second')).toMatchObject({ exit: 4, code: 'HOST_FULL' })
    expect(await refused('tenant', 'create', 'lost', '--host', 'nowhere')).toMatchObject({ exit: 4, code: 'HOST_NOT_FOUND' })
    await json('host', 'set', 'second', '--max-tenants', '6')
    const { tenant } = await json('tenant', 'create', 'asked', '--host', 'second')
    expect(tenant.placement).toMatchObject({ kind: 'dedicated', host: 'second' })
  })

  test('tells how many tenants could not be placed, and creates the others', async () => {
    await json('host', 'set', 'default', '--max-tenants', '5')
    const { exit, out } = await runCli(['tenant', 'create', '--count', '4', '--prefix', 'm', '--json'], { env: mine() })
    expect(exit).toBe(6)
    expect(JSON.parse(out)).toMatchObject({ tenants: { created: 2, existing: 0, failed: 2 } })
    expect(JSON.parse(out).failures).toMatchObject([{ code: 'HOST_FULL' }, { code: 'HOST_FULL' }])
    await json('host', 'set', 'default', '--max-tenants', 'none')
    await json('host', 'set', 'second', '--max-tenants', 'none')
  })

  test('fills shared databases one after the other, on each host its own', async () => {
    const own = { ...mine(), FEEDCTL_SHARED_TENANTS: '2' }
    for (const slug of ['s-1', 's-2', 's-3']) {
      const { exit, err } = await runCli(['tenant', 'create', slug, '--placement', 'shared', '--host', 'second'], { env: own })
      expect({ exit, err }).toEqual({ exit: 0, err: '' })
    }
    const databases = []
    for (const slug of ['s-1', 's-2', 's-3']) databases.push((await json('tenant', 'show', slug)).tenant.placement.database)
    const prefix = env.FEEDCTL_DATABASE_PREFIX ?? 'tenant_'
    expect(databases).toEqual([`${prefix}_shared_1`, `${prefix}_shared_1`, `${prefix}_shared_2`])
  })

  test('drains a host: no new tenants, those that are there are served, and it says what moves them', async () => {
    const drained = await json('host', 'drain', 'second')
    expect(drained).toMatchObject({ host: { name: 'second', state: 'draining' }, tenants: 9 })
    expect(drained.next).toContain('feedctl tenant move --all-on second')
    const { tenant } = await json('tenant', 'create', 'elsewhere')
    expect(tenant.placement.host).toBe('default')
    expect(await refused('tenant', 'create', 'no', '--host', 'second')).toMatchObject({ code: 'HOST_FULL' })
    expect((await json('tenant', 'show', 'asked')).tenant).toMatchObject({ feeds: 0, state: 'active' })
    expect(await refused('host', 'remove', 'second', '--yes')).toMatchObject({ exit: 4, code: 'HOST_IN_USE' })
    expect((await json('host', 'drain', 'second', '--undo')).host.state).toBe('open')
    expect(await refused('host', 'remove', 'second', '--yes')).toMatchObject({ code: 'HOST_IN_USE' })
  })

  test('removes an empty host when it is told to, and never the one that the catalog is on', async () => {
    for (const { slug, placement } of (await json('tenant', 'list')).tenants) {
      if (placement.host === 'second') await json('tenant', 'delete', slug, '--now', '--yes')
    }
    await json('host', 'drain', 'second')
    expect(await refused('host', 'remove', 'second')).toMatchObject({ exit: 2, code: 'CONFIRMATION_NEEDED' })
    // The two shared ones.
    expect(await json('host', 'remove', 'second', '--yes')).toEqual({ removed: { name: 'second', databases: 2 } })
    expect((await hostsOf()).map((host: { name: string }) => host.name)).toEqual(['default'])
    expect(await refused('host', 'remove', 'default', '--yes')).toMatchObject({ exit: 4, code: 'HOST_IN_USE' })
  })

  test('forgets a host that is gone for good without asking it, when it is told to', async () => {
    await json('host', 'add', 'second', '--address', second.address)
    await json('tenant', 'create', 'in-shared', '--placement', 'shared', '--host', 'second')
    await json('tenant', 'delete', 'in-shared', '--now', '--yes')
    await json('host', 'drain', 'second')
    expect(await refused('host', 'remove', 'second', '--forget')).toMatchObject({ exit: 2, code: 'CONFIRMATION_NEEDED' })
    if (kind === 'mysql') await second.server.stop()
    else rmSync(second.address, { recursive: true })
    expect(await refused('host', 'remove', 'second', '--yes')).toMatchObject({
      exit: 5,
      code: 'UNAVAILABLE',
      hint: expect.stringContaining('feedctl host remove second --forget --yes'),
    })
    const { exit, out } = await runCli(['host', 'remove', 'second', '--forget', '--yes', '--json'], { env: mine() })
    if (kind === 'mysql') await second.server.start()
    expect([exit, JSON.parse(out)]).toEqual([0, { forgotten: { name: 'second', databases: 1 } }])
    expect((await hostsOf()).map((host: { name: string }) => host.name)).toEqual(['default'])
  })

  test.each(['', 'A', '../x', 'a'.repeat(41), 'é', 'a b', "a'b", 'a`b', '-a'])('refuses the name %j', async name => {
    expect(await refused('host', 'add', '--address', second.address, '--', name)).toMatchObject({ exit: 4, code: 'HOST_INVALID' })
  })
})

describeDatabases('feedctl host', (env, kind) => {
  const refused = async (own: Record<string, string>, ...argv: string[]) => {
    const { exit, err } = await runCli(['--json', 'host', ...argv], { env: { ...env, ...own } })
    return { exit, ...JSON.parse(err).error }
  }

  if (kind === 'sqlite') {
    test('refuses a folder of another host or another feedctl, and what SQLite has not', async () => {
      const disk = join(env.FEEDCTL_DATA ?? '', 'disk')
      mkdirSync(disk)
      const add = ['add', 'disk', '--address', disk]
      expect((await runCli(['host', ...add], { env })).exit).toBe(0)
      expect(await refused({}, 'add', 'twice', '--address', `${disk}/`)).toMatchObject({ code: 'HOST_INVALID' })
      const home = join(env.FEEDCTL_DATA ?? '', 'databases')
      expect(await refused({}, 'add', 'home', '--address', home)).toMatchObject({ code: 'HOST_INVALID' })
      expect(await refused({ FEEDCTL_DATA: join(disk, 'other') }, ...add)).toMatchObject({ code: 'HOST_INVALID' })
      expect(await refused({}, 'add', 'x', '--address', join(disk, 'x'), '--connections', '4')).toMatchObject({
        code: 'HOST_INVALID',
      })
      expect(await refused({}, 'set', 'default', '--address', disk)).toMatchObject({ code: 'HOST_INVALID' })
    })
    return
  }

  const second = secondHost('mysql')

  test('refuses what does not answer, a wrong or missing password, the same server, and a budget it cannot keep', async () => {
    await runCli(['init'], { env })
    const add = (address: string, ...more: string[]) => ['add', 'db2', '--address', address, ...more]
    const right = second.with({}, 'db2')
    expect(await refused(right, ...add('127.0.0.1:1'))).toMatchObject({ exit: 5, code: 'UNAVAILABLE' })
    expect(await refused({}, ...add(second.address, '--username', 'someone'))).toMatchObject({
      exit: 3,
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('FEEDCTL_HOST_PASSWORDS has no password for the database host db2'),
    })
    const wrong = await refused({ FEEDCTL_HOST_PASSWORDS: '{"db2":"wrong-word"}' }, ...add(second.address))
    expect(wrong).toMatchObject({ exit: 3, code: 'CONFIG_INVALID', hint: expect.stringContaining('FEEDCTL_HOST_PASSWORDS') })
    expect(JSON.stringify(wrong)).not.toContain('wrong-word')
    const same = await refused({}, ...add(`localhost:${env.DB_PORT}`))
    expect(same).toMatchObject({
      code: 'HOST_INVALID',
      message: expect.stringContaining('is the server of the database host default'),
    })
    expect(await refused(right, ...add(second.address, '--connections', '1000'))).toMatchObject({ code: 'HOST_INVALID' })
    expect(await refused(right, ...add('not an address'))).toMatchObject({ code: 'HOST_INVALID' })
    const { out } = await runCli(['host', 'list', '--json'], { env })
    expect(JSON.parse(out).hosts).toHaveLength(1)
  })

  test('refuses a user that may not make databases, and leaves nothing there', async () => {
    await second.server.query("CREATE USER 'less'@'127.0.0.1' IDENTIFIED BY 'less-word'")
    await second.server.query("GRANT SELECT ON *.* TO 'less'@'127.0.0.1'")
    const less = await refused(
      { FEEDCTL_HOST_PASSWORDS: '{"db3":"less-word"}' },
      'add',
      'db3',
      '--address',
      second.address,
      '--username',
      'less',
    )
    expect(less).toMatchObject({
      exit: 4,
      code: 'HOST_INVALID',
      message: expect.stringContaining('may not do what feedctl does there'),
    })
    const left = await second.server.query("SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE '%probe%'")
    expect(left).toEqual([])
  })

  test('is told by one list which host is away, and why', async () => {
    const env2 = second.with(env, 'db2')
    expect((await runCli(['host', 'add', 'db2', '--address', second.address], { env: env2 })).exit).toBe(0)
    await second.server.stop()
    const { exit, out } = await runCli(['host', 'list', '--json'], { env: env2 })
    await second.server.start()
    expect(exit).toBe(0)
    expect(JSON.parse(out).hosts).toMatchObject([
      { name: 'db2', answers: false, why: expect.stringContaining('the database host db2 does not answer') },
      { name: 'default', answers: true },
    ])
  })
})

describe('FEEDCTL_HOST_PASSWORDS', () => {
  test.each(['{', '[]', '{"a": 1}', 'word'])('is refused as %s without being repeated', async value => {
    const { exit, err } = await runCli(['host', 'list'], { env: { FEEDCTL_HOST_PASSWORDS: `${value}     secret-tail` } })
    expect(exit).toBe(3)
    expect(err).toContain('FEEDCTL_HOST_PASSWORDS')
    expect(err).not.toContain('secret-tail')
  })
})
