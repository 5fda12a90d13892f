import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { App } from '../../src/app.js'
import { isFailure } from '../../src/kernel/errors.js'
import { insertRows } from '../../src/tenants/databases/index.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant, type Tenant } from '../../src/tenants/tenant.js'
import { sharedMariadbEnv, type TestEnv } from '../support/drivers.js'
import { startMariadb } from '../support/mariadb.js'
import { rowsIn } from '../tenants/moving/ground.js'
import { furnish } from '../tenants/transfer/furnish.js'
import { Installation } from './installation.js'

const TENANTS = 8
const KILLS = 10
const FIRST_POSTS = 300

/** Writes posts to tenants wherever they live, and looks whether all that was written is there for who reads. */
class Traffic {
  readonly written = new Map<string, number[]>()
  readonly waited = new Set<string>()
  private ending = false
  private readonly loops: Promise<void>[]

  constructor(
    private readonly app: App,
    slugs: readonly string[],
  ) {
    this.loops = slugs.map(slug => this.go(slug))
  }

  async end(): Promise<void> {
    this.ending = true
    await Promise.all(this.loops)
  }

  private async go(slug: string): Promise<void> {
    const written: number[] = []
    this.written.set(slug, written)
    while (!this.ending) {
      const id = await this.write(slug)
      if (id !== null) written.push(id)
      const sofar = [...written]
      const read = new Set(await this.read(slug))
      expect([slug, sofar.filter(one => !read.has(one))]).toEqual([slug, []])
      await pause(20)
    }
  }

  /** Null when it was told to wait. */
  private async write(slug: string): Promise<number | null> {
    const tenant = await getTenant(this.app.catalog, parseSlug(slug))
    try {
      return await withTenant(this.app.catalog, tenant, tables =>
        tables.transaction(async tx => {
          const id = await tx.takeIds('posts', 1)
          await tx.insert('posts', [postOf(id)])
          return id
        }),
      )
    } catch (error) {
      if (!isFailure(error, 'TENANT_MOVING') && !isFailure(error, 'TENANT_MOVED')) throw error
      this.waited.add(slug)
      return null
    }
  }

  private async read(slug: string): Promise<number[]> {
    const tenant = await getTenant(this.app.catalog, parseSlug(slug))
    const posts = await withTenant(this.app.catalog, tenant, tables => tables.posts().select('id').execute())
    return posts.map(({ id }) => id)
  }
}

function postOf(id: number) {
  const text = `written ${id}`
  const nothing = { url: null, author: null, published_at: null, updated_at: null, image: null }
  const words = { guid: text, guid_hash: text, content_hash: text, title: text, content: text }
  return { id, feed_id: 1, ...words, ...nothing, categories: '[]', enclosures: '[]', created_at: 1, changed_at: 1 }
}

async function addHost({ catalog, config }: App, server: { port: number; username: string } | null): Promise<void> {
  const folder = join(config.data, 'other')
  if (server === null) {
    mkdirSync(folder)
    writeFileSync(join(folder, '.feedctl-host'), 'other')
  }
  const address = server === null ? folder : `127.0.0.1:${server.port}`
  await insertRows(catalog.database, 'hosts', [
    { name: 'other', address, username: server?.username ?? null, created_at: Date.now() },
  ])
}

/** Kills the command at a random moment of its work; answers whether it had ended by then. */
async function moveAndKill(installation: Installation, app: App, longestMs: number): Promise<boolean> {
  const newest = async () => {
    const row = await app.catalog.kysely.selectFrom('moves').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst()
    return row?.id ?? 0
  }
  const before = await newest()
  const move = installation.start(['tenant', 'move', '--all-on', 'default', '--to', 'other', '--concurrency', '3', '--json'])
  let ended = false
  void move.ended.then(() => {
    ended = true
  })
  while (!ended && (await newest()) === before) await pause(10)
  await pause(Math.random() * longestMs)
  const { exit } = await move.end('SIGKILL')
  return exit === 0
}

async function keepsEverything(settings: TestEnv, server: { port: number; username: string } | null): Promise<void> {
  await using installation = await Installation.create(settings)
  const slugs = Array.from({ length: TENANTS }, (_, index) => `moved-${index}`)
  for (const [index, slug] of slugs.entries())
    expect(
      await installation.run(['tenant', 'create', slug, '--placement', index % 2 === 0 ? 'shared' : 'dedicated']),
    ).toMatchObject({ exit: 0 })
  await using app = await installation.open()
  await addHost(app, server)
  const tenants: Tenant[] = []
  for (const slug of slugs) tenants.push(await getTenant(app.catalog, parseSlug(slug)))
  for (const tenant of tenants) await furnish(app.catalog, tenant, FIRST_POSTS)
  const first = await Promise.all(tenants.map(({ id, placement }) => rowsIn(app.catalog, id, placement)))
  const traffic = new Traffic(app, slugs)
  let kills = 0
  while (kills < KILLS && !(await moveAndKill(installation, app, 400))) kills++
  const end = await installation.start(['tenant', 'move', ...slugs, '--to', 'other', '--json']).ended
  await traffic.end()
  expect(end).toMatchObject({ exit: 0 })
  expect(kills).toBeGreaterThan(2)
  for (const [index, tenant] of tenants.entries()) {
    const now = await getTenant(app.catalog, tenant.slug)
    expect(now.placement).toMatchObject({ host: 'other', kind: tenant.placement.kind })
    const rows = await rowsIn(app.catalog, tenant.id, now.placement)
    const { counters: _before, posts: postsBefore = [], ...others } = first[index] ?? {}
    const { counters: _now, posts = [], ...othersNow } = rows
    expect(othersNow).toEqual(others)
    expect(posts.filter(post => postsBefore.includes(post))).toEqual(postsBefore)
    const ids = posts.map(post => Object.fromEntries(JSON.parse(post) as [string, unknown][]).id as number)
    const written = traffic.written.get(tenant.slug) ?? []
    expect(written.length).toBeGreaterThan(0)
    expect(ids.toSorted((a, b) => a - b)).toEqual([...Array(FIRST_POSTS).keys()].map(id => id + 1).concat(written))
  }
  await app.catalog.kysely.updateTable('moves').set({ switched_at: 1 }).where('state', '=', 'switched').execute()
  expect(await installation.run(['tenant', 'move', ...slugs, '--finish', '--yes'])).toMatchObject({ exit: 0 })
  for (const tenant of tenants) expect(await rowsIn(app.catalog, tenant.id, tenant.placement)).toEqual({})
}

describe('moves that are killed at random moments, again and again, while tenants are written and read', () => {
  test('end with every row there once, and none that was acknowledged is lost (sqlite)', { timeout: 600_000 }, () =>
    keepsEverything({}, null),
  )

  test('end with every row there once, and none that was acknowledged is lost (mysql)', { timeout: 600_000 }, async () => {
    await using server = await startMariadb()
    await keepsEverything({ ...sharedMariadbEnv(), FEEDCTL_HOST_PASSWORDS: JSON.stringify({ other: server.password }) }, server)
  })
})
