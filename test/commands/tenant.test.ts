import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { beforeAll, expect, it } from 'vitest'
import { tokenHash } from '../../src/tenants/tokens.js'
import { runCli } from '../support/cli.js'
import type { TestEnv } from '../support/drivers.js'
import { describeDatabases, openInstallation } from '../tenants/installation.js'

/** All that is stored, as bytes: every file of the data folder, and every row of every table on the server. */
async function everythingStored(env: TestEnv): Promise<string> {
  const folder = env.FEEDCTL_DATA ?? ''
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const contents = files.map(file => readFileSync(join(file.parentPath, file.name), 'latin1'))
  if (env.DB_CONNECTION !== 'mysql') return contents.join('')
  const connection = await createConnection({
    host: env.DB_HOST ?? '',
    port: Number(env.DB_PORT),
    user: env.DB_USERNAME ?? '',
    password: env.DB_PASSWORD ?? '',
  })
  try {
    const [tables] = await connection.query<RowDataPacket[]>(
      'select table_schema as d, table_name as t from information_schema.tables where table_schema = ? or left(table_schema, ?) = ?',
      [env.DB_DATABASE, env.FEEDCTL_DATABASE_PREFIX?.length, env.FEEDCTL_DATABASE_PREFIX],
    )
    for (const { d, t } of tables) contents.push(JSON.stringify((await connection.query('select * from ??.??', [d, t]))[0]))
    return contents.join('')
  } finally {
    await connection.end()
  }
}

describeDatabases('feedctl tenant', env => {
  const cli = (...argv: string[]) => runCli(argv, { env })
  const json = async (...argv: string[]) => JSON.parse((await cli(...argv, '--json')).out)
  beforeAll(async () => {
    await cli('init')
  })

  it('list shows pages in slug order', async () => {
    for (const slug of ['page-b', 'page-c', 'page-a']) await cli('tenant', 'create', slug, '--placement', 'shared')
    const slugs = (page: { tenants: { slug: string }[] }) => page.tenants.map(tenant => tenant.slug)
    const first = await json('tenant', 'list', '--limit', '2', '--after', 'page')
    expect([slugs(first), first.next]).toEqual([['page-a', 'page-b'], 'page-b'])
    const second = await json('tenant', 'list', '--limit', '1', '--after', first.next)
    expect(slugs(second)).toEqual(['page-c'])
    expect((await cli('tenant', 'list', '--after', 'page', '--limit', '2')).out).toMatch(
      /^SLUG +NAME +STATE +PLACEMENT\npage-a .*\npage-b .*\nmore: --after page-b\n$/,
    )
  })

  it('list filters by state and placement', async () => {
    await cli('tenant', 'create', 'filter-d')
    await cli('tenant', 'create', 'filter-s', '--placement', 'shared')
    await cli('tenant', 'suspend', 'filter-s')
    const named = async (...flags: string[]) =>
      (await json('tenant', 'list', '--limit', '2', '--after', 'filter', ...flags)).tenants.map(
        (tenant: { slug: string }) => tenant.slug,
      )
    expect((await named('--state', 'suspended'))[0]).toBe('filter-s')
    expect((await named('--placement', 'dedicated'))[0]).toBe('filter-d')
    expect((await cli('tenant', 'list', '--state', 'asleep')).exit).toBe(2)
  })

  it('show tells what a tenant has', async () => {
    await cli('tenant', 'create', 'shown', '--name', 'Shown & Söhne', '--feed', 'https://a.example/')
    const { tenant } = await json('tenant', 'show', 'shown')
    expect(tenant).toEqual({
      id: expect.any(Number),
      slug: 'shown',
      name: 'Shown & Söhne',
      state: 'active',
      placement: { kind: 'dedicated', host: 'default', database: `${env.FEEDCTL_DATABASE_PREFIX ?? 'tenant_'}shown` },
      delete_after_at: null,
      created_at: expect.stringMatching(/^20.*Z$/),
      moves: [],
      feeds: 1,
      posts: 0,
    })
  })

  it('suspend and resume change the state, twice calmly, and suspended ones have no feeds changed', async () => {
    await cli('tenant', 'create', 'paused')
    for (const _twice of [1, 2]) expect((await json('tenant', 'suspend', 'paused')).tenant.state).toBe('suspended')
    const { exit, err } = await cli('feed', 'add', 'paused', 'https://a.example/')
    expect(exit).toBe(4)
    expect(err).toBe('error: tenant paused is suspended (TENANT_WRONG_STATE)\n  try: feedctl tenant resume paused\n')
    for (const _twice of [1, 2]) expect((await json('tenant', 'resume', 'paused')).tenant.state).toBe('active')
    expect((await cli('feed', 'add', 'paused', 'https://a.example/')).exit).toBe(0)
  })

  it.each([
    ['show'],
    ['suspend'],
    ['resume'],
    ['token'],
    ['delete', '--yes'],
    ['delete', '--now', '--yes'],
  ])('%s of nobody is TENANT_NOT_FOUND', async (word, ...flags) => {
    const { exit, out, err } = await cli('tenant', word, 'nobody', ...flags)
    expect({ exit, out, err }).toEqual({
      exit: 4,
      out: '',
      err: 'error: there is no tenant nobody (TENANT_NOT_FOUND)\n  try: feedctl tenant list\n',
    })
  })

  it.each([
    ['show'],
    ['suspend'],
    ['token'],
    ['create'],
    ['delete', '--yes'],
  ])('%s of what is no slug is SLUG_INVALID', async (word, ...flags) => {
    const { exit, err } = await cli('tenant', word, 'Not_A_Slug', ...flags, '--json')
    expect(exit).toBe(2)
    expect(JSON.parse(err).error.code).toBe('SLUG_INVALID')
  })

  it('token is refused while a tenant is created: its creation would take it away', async () => {
    await json('tenant', 'create', 'unfinished')
    const { catalog } = await openInstallation(env)
    await catalog.kysely.updateTable('tenants').set({ state: 'provisioning' }).where('slug', '=', 'unfinished').execute()
    const { exit, err } = await cli('tenant', 'token', 'unfinished', '--json')
    expect([exit, JSON.parse(err).error]).toMatchObject([4, { code: 'TENANT_WRONG_STATE' }])
    expect((await json('tenant', 'create', 'unfinished')).token).toMatch(/^fct_/)
  })

  it('token replaces the token, and neither is stored anywhere but as a hash', async () => {
    const { token: first } = await json('tenant', 'create', 'secretive')
    expect(first).toMatch(/^fct_[\w-]{43}$/)
    expect(await everythingStored(env)).toContain(tokenHash(first))
    const { slug, token: second } = await json('tenant', 'token', 'secretive')
    expect([slug, second === first]).toEqual(['secretive', false])
    const stored = await everythingStored(env)
    expect(stored).toContain(tokenHash(second))
    expect([stored.includes(first), stored.includes(second), stored.includes('fct_')]).toEqual([false, false, false])
    expect((await cli('tenant', 'show', 'secretive')).out).not.toContain('fct_')
  })
})
