import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openApp } from '../../src/app.js'
import { loadConfig } from '../../src/kernel/config.js'
import { Log } from '../../src/kernel/log.js'
import { insertRows } from '../../src/tenants/databases/index.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { withMoveLock } from '../../src/tenants/moving/lock.js'
import { runCli } from '../support/cli.js'

let folder = ''
let env: Record<string, string> = {}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'feedctl-test-'))
  env = { FEEDCTL_DATA: folder }
  mkdirSync(join(folder, 'other'))
  writeFileSync(join(folder, 'other', '.feedctl-host'), 'other')
  await withCatalog(async ({ catalog }) =>
    insertRows(catalog.database, 'hosts', [{ name: 'other', address: join(folder, 'other'), weight: 0, created_at: 1 }]),
  )
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function withCatalog<T>(deed: (app: Awaited<ReturnType<typeof openApp>>) => Promise<T>): Promise<T> {
  const { config } = loadConfig({ env, envFile: '/nonexistent/.env', envFileNamed: false })
  await using app = await openApp(config, new Log(() => {}))
  return await deed(app)
}

async function feedctl(...argv: string[]) {
  const { exit, out, err } = await runCli(argv, { env, cwd: folder })
  return { exit, out, err, json: argv.includes('--json') && out !== '' ? JSON.parse(out) : null }
}

async function create(...slugs: string[]): Promise<void> {
  for (const slug of slugs) expect(await feedctl('tenant', 'create', slug)).toMatchObject({ exit: 0 })
}

const hourAgo = () =>
  withCatalog(({ catalog }) =>
    catalog.kysely
      .updateTable('moves')
      .set({ switched_at: Date.now() - 3_600_000 })
      .where('state', '=', 'switched')
      .execute(),
  )

it('moves a tenant, tells where its old copy is and until when, and moves it back', async () => {
  await create('acme')
  const { exit, json } = await feedctl('tenant', 'move', 'acme', '--to', 'other', '--json')
  expect([exit, json]).toEqual([
    0,
    {
      tenants: { total: 1, done: 1, there: 0, failed: 0 },
      moves: [
        {
          tenant: 'acme',
          from: { kind: 'dedicated', host: 'default', database: 'tenant_acme' },
          to: { kind: 'dedicated', host: 'other', database: 'tenant_acme' },
          outcome: 'moved',
          rows: expect.any(Number),
          duration_ms: expect.any(Number),
          fenced_ms: expect.any(Number),
          kept_until_at: expect.stringMatching(/Z$/),
        },
      ],
      failures: [],
      duration_ms: expect.any(Number),
    },
  ])
  const shown = await feedctl('tenant', 'show', 'acme')
  expect(shown.out).toContain('placement  dedicated, other/tenant_acme')
  expect(shown.out).toMatch(/move {7}switched, from dedicated, default\/tenant_acme; old copy kept until 20/)
  const list = await feedctl('tenant', 'move', '--list', '--json')
  const { from, to, kept_until_at } = json.moves[0]
  expect(list.json.moves).toMatchObject([{ tenant: 'acme', state: 'switched', from, to, kept_until_at }])
  expect((await feedctl('tenant', 'show', 'acme', '--json')).json.tenant).toMatchObject({
    placement: to,
    moves: [{ state: 'switched', from, to }],
  })
  const back = await feedctl('tenant', 'move', 'acme', '--back')
  expect(back.out).toContain('to    dedicated, default/tenant_acme')
  const history = await feedctl('tenant', 'move', 'acme', '--list', '--json')
  expect(history.json.moves.map((move: { state: string }) => move.state)).toEqual(['finished', 'switched'])
})

it('asks before it removes an old copy', async () => {
  await create('acme')
  await feedctl('tenant', 'move', 'acme', '--to', 'shared')
  expect(await feedctl('tenant', 'move', 'acme', '--finish')).toMatchObject({ exit: 2, out: '' })
  await hourAgo()
  const finished = await feedctl('tenant', 'move', 'acme', '--finish', '--yes')
  expect(finished).toMatchObject({ exit: 0 })
  expect(finished.out).toContain('removed dedicated, default/tenant_acme')
  expect(await feedctl('tenant', 'move', 'acme', '--back')).toMatchObject({ exit: 4 })
  expect((await feedctl('tenant', 'move', '--list')).out).toBe('no moves\n')
})

it('moves all tenants of a host, several at once, and is done when it is asked again', async () => {
  await create('one', 'two', 'three')
  await feedctl('tenant', 'create', 'four', '--placement', 'shared')
  const plan = await feedctl('tenant', 'move', '--all-on', 'default', '--to', 'other/shared', '--dry-run', '--json')
  expect(plan.json.tenants).toEqual({ total: 4, done: 4, there: 0, failed: 0 })
  expect(plan.json.moves[0]).toMatchObject({ outcome: 'would move' })
  expect((await feedctl('tenant', 'move', '--list', '--json')).json).toEqual({ moves: [], next: null })
  const moved = await feedctl('tenant', 'move', '--all-on', 'default', '--to', 'other/shared')
  expect(moved.out).toContain('4 of 4 tenants done, 0 there already, 0 failed')
  expect((await feedctl('tenant', 'move', '--all-on', 'default', '--to', 'other/shared')).out).toBe('no tenants\n')
  const again = await feedctl('tenant', 'move', 'one', 'two', '--to', 'other/shared', '--json')
  expect(again.json.tenants).toEqual({ total: 2, done: 0, there: 2, failed: 0 })
})

it('goes on with the others when one fails, and says so', async () => {
  await create('one', 'two')
  const { exit, json, err } = await feedctl('tenant', 'move', 'one', 'gone', 'two', '--to', 'shared', '--json')
  expect(exit).toBe(6)
  expect(json.tenants).toEqual({ total: 3, done: 2, there: 0, failed: 1 })
  expect(json.failures).toEqual([{ tenant: 'gone', code: 'TENANT_NOT_FOUND', message: 'there is no tenant gone' }])
  expect(err).toContain('"code":"PARTIAL"')
})

it('refuses a second move of a tenant, and names the process that moves it', async () => {
  await create('acme')
  const slug = parseSlug('acme')
  await withCatalog(({ catalog }) =>
    withMoveLock(catalog, slug, new AbortController().signal, async () => {
      for (const way of [['--to', 'other'], ['--back'], ['--undo'], ['--finish', '--yes']]) {
        const { exit, out, err } = await feedctl('tenant', 'move', 'acme', ...way)
        expect([exit, out]).toEqual([7, ''])
        expect(err).toContain(`error: move of tenant acme is already running: pid ${process.pid} on `)
        expect(err).toContain('(LOCKED)')
      }
    }),
  )
  expect(await feedctl('tenant', 'move', 'acme', '--to', 'other')).toMatchObject({ exit: 0 })
})

it.for([
  [['acme'], 2, 'pass one of --to'],
  [['acme', '--to', 'shared', '--back'], 2, 'pass one of --to'],
  [['--to', 'shared'], 2, 'name tenants'],
  [['acme', '--all-on', 'default', '--to', 'shared'], 2, 'name tenants'],
  [['acme', '--to', 'a/b/c'], 2, 'is no placement'],
  [['acme', '--to', 'other/elsewhere'], 2, 'is no placement'],
  [['acme', '--to', 'nowhere'], 4, 'there is no database host nowhere'],
  [['acme', '--to', 'shared', '--keep', 'long'], 2, 'is no time'],
  [['acme', '--back', '--dry-run'], 2, '--dry-run goes with --to'],
  [['../x', '--to', 'shared'], 2, 'is not a tenant slug'],
  [['acme', '--undo'], 4, 'no move of tenant acme is under way'],
  [['acme', '--finish', '--yes'], 4, 'no old copy of tenant acme is kept'],
  [['--all-on', 'nowhere', '--to', 'shared'], 4, 'there is no database host nowhere'],
] as const)('refuses %j', async ([argv, status, words]) => {
  await create('acme')
  const { exit, out, err } = await feedctl('tenant', 'move', ...argv)
  expect([exit, out]).toEqual([status, ''])
  expect(err).toContain(words)
})
