import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import { sql } from 'kysely'
import { afterAll, expect, it } from 'vitest'
import { sanitise } from '../../../src/feeds/parse/sanitise.js'
import { sourcesOfRestored } from '../../../src/feeds/restored-sources.js'
import { sourceUrl } from '../../../src/feeds/urls.js'
import { Failure } from '../../../src/kernel/errors.js'
import { isMediaName } from '../../../src/media/names.js'
import { TENANT_TABLES, type TenantSchema } from '../../../src/tenants/databases/index.js'
import { parseSlug } from '../../../src/tenants/ids.js'
import { withTenant } from '../../../src/tenants/tables.js'
import type { Tenant } from '../../../src/tenants/tenant.js'
import { findByToken } from '../../../src/tenants/tokens.js'
import { exportTenantToFile } from '../../../src/tenants/transfer/export-file.js'
import { newHash, sealOf } from '../../../src/tenants/transfer/format.js'
import { type Imported, type ImportParts, type ImportWish, importTenant } from '../../../src/tenants/transfer/import.js'
import { SECTIONS } from '../../../src/tenants/transfer/sections.js'
import { describeDatabases, type Installation, openInstallation, tenantIn } from '../installation.js'
import { furnish, ODD } from './furnish.js'

const folder = mkdtempSync(join(tmpdir(), 'feedctl-transfer-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const never = new AbortController().signal
let files = 0

async function exported(here: Installation, tenant: Tenant): Promise<string> {
  const path = join(folder, `${++files}.gz`)
  await exportTenantToFile(here.catalog, tenant, path, { replace: false, signal: never, version: '1.2.3' })
  return path
}

const linesOf = (path: string) => gunzipSync(readFileSync(path)).toString().trimEnd().split('\n').slice(0, -1)

/** A file of these lines that is sealed as it should be. */
function sealed(lines: readonly string[]): string {
  const path = join(folder, `${++files}.gz`)
  const body = gzipSync(lines.map(line => `${line}\n`).join(''))
  writeFileSync(path, Buffer.concat([body, sealOf(newHash().update(body))]))
  return path
}

/** The lines, with every sum in them made true again. */
function summed(lines: readonly string[]): string[] {
  const whole = newHash()
  let sum = newHash()
  let rows = 0
  let total = 0
  let tables = 0
  return lines.map(line => {
    const value = JSON.parse(line)
    if (Array.isArray(value)) {
      sum.update(`${line}\n`)
      rows++
    } else if (value.end === 'tenant') {
      return JSON.stringify({ ...value, tables, rows: total, sha256: whole.digest('hex') })
    } else if (value.end !== undefined) {
      line = JSON.stringify({ ...value, rows, sha256: sum.digest('hex') })
      total += rows
      tables++
    } else {
      sum = newHash()
      rows = 0
    }
    whole.update(`${line}\n`)
    return line
  })
}

function wishFor(path: string, slug: string, placement: ImportWish['placement'] = 'dedicated'): ImportWish {
  return { open: () => createReadStream(path), slug: parseSlug(slug), name: null, placement, host: null }
}

function partsOf(here: Installation): ImportParts {
  return {
    prefix: here.prefix,
    sourcesOf: urls => sourcesOfRestored(here.catalog, urls),
    isFeedUrl: url => sourceUrl(url) === url,
    isMediaName,
    cleanContent: html => sanitise(html, 'https://invalid.invalid/'),
  }
}

function imported(here: Installation, wish: ImportWish, parts: Partial<ImportParts> = {}): Promise<Imported> {
  return importTenant(here.catalog, wish, { ...partsOf(here), ...parts }, { signal: never })
}

/** What is compared of two files: all rows but those that an import changes on purpose. */
const comparable = (path: string) => {
  const lines = linesOf(path)
  const start = lines.findIndex(line => line.startsWith('{"table":"media"'))
  const end = lines.findIndex(line => line.startsWith('{"end":"media_links"'))
  return [...lines.slice(1, start), ...lines.slice(end + 1, -1)]
}

async function rowsOf(here: Installation, slug: string) {
  return here.catalog.kysely.selectFrom('tenants').selectAll().where('slug', '=', slug).executeTakeFirst()
}

/** Rows of tenants that the catalog does not know, in every database of the installation. */
async function strays(here: Installation): Promise<string[]> {
  const known = new Set((await here.catalog.kysely.selectFrom('tenants').select('id').execute()).map(row => row.id))
  const placements = await here.catalog.kysely.selectFrom('placements').select(['database_name', 'schema_version']).execute()
  const found: string[] = []
  for (const { database_name } of placements.filter(row => row.schema_version > 0)) {
    await here.catalog.server.use<TenantSchema, void>(database_name as never, async database => {
      for (const table of TENANT_TABLES) {
        const query = sql<{ id: number }>`select distinct tenant_id as id from ${sql.raw(database.qualify(table as 'feeds'))}`
        for (const { id } of (await query.execute(database.kysely)).rows) if (!known.has(id)) found.push(`${table} ${id}`)
      }
    })
  }
  return found
}

describeDatabases('importing a tenant', (env, kind) => {
  const PAIRS = [
    ['dedicated', 'shared'],
    ['shared', 'dedicated'],
    ['shared', 'shared'],
    ['dedicated', 'dedicated'],
  ] as const

  it.each(PAIRS)('brings every row back as it was, from %s to %s', async (from, to) => {
    const here = await openInstallation(env)
    const slug = `from-${from}-${to}`
    const tenant = await tenantIn(here, slug, from)
    await furnish(here.catalog, tenant)
    await here.catalog.kysely
      .updateTable('tenants')
      .set({ keep_days: 30, media_types: 'image/png,audio/*' })
      .where('id', '=', tenant.id)
      .execute()
    const path = await exported(here, (await rowsOfTenant(here, slug)) as Tenant)
    const back = await imported(here, wishFor(path, `to-${from}-${to}`, to))
    expect(back.tenant).toMatchObject({
      state: 'active',
      name: slug,
      keepDays: 30,
      mediaTypes: ['image/png', 'audio/*'],
      placement: { kind: to },
    })
    expect(await findByToken(here.catalog, back.token)).toMatchObject({ tenant: { id: back.tenant.id } })
    expect(comparable(await exported(here, back.tenant))).toEqual(comparable(path))
    expect(back.media).toEqual({ files: 2, bytes: 2 ** 34, fetchedAgain: 2 })
    const links = await withTenant(here.catalog, back.tenant, tables =>
      tables.mediaLinks().select(['post_id', 'state', 'media_id']).orderBy('post_id').execute(),
    )
    expect(links.map(link => [link.state, link.media_id])).toEqual([
      ['waiting', null],
      ['waiting', null],
      ['failed', null],
      ['refused', null],
    ])
  })

  it(`brings a tenant over from the other kind of database, and back`, async () => {
    const here = await openInstallation(env)
    const there = await openInstallation({
      ...env,
      ...(kind === 'mysql' ? { DB_CONNECTION: 'sqlite' } : {}),
      FEEDCTL_DATA: mkdtempSync(join(folder, 'data-')),
    })
    const tenant = await tenantIn(here, 'traveller', 'shared')
    await furnish(here.catalog, tenant)
    const first = await exported(here, tenant)
    const away = await imported(there, wishFor(first, 'traveller'))
    const second = await exported(there, away.tenant)
    expect(comparable(second)).toEqual(comparable(first))
    const home = await imported(here, wishFor(second, 'traveller-back', 'shared'))
    expect(comparable(await exported(here, home.tenant))).toEqual(comparable(first))
    const feeds = await withTenant(there.catalog, away.tenant, tables =>
      tables.feeds().select(['url', 'source_id', 'title']).orderBy('id').execute(),
    )
    const sources = await there.catalog.kysely.selectFrom('sources').select(['id', 'url']).execute()
    expect(feeds.map(feed => sources.find(source => source.id === feed.source_id)?.url)).toEqual(feeds.map(feed => feed.url))
    expect(feeds[0]?.title).toBe(ODD)
  })

  it('gives a feed its own source where its URL was merged into another that the tenant has as well', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'merged')
    await furnish(here.catalog, tenant)
    const path = await exported(here, tenant)
    const [a, b] = await here.catalog.kysely
      .selectFrom('sources')
      .select('id')
      .where('url', 'like', 'https://example.com/%')
      .orderBy('id')
      .execute()
    await here.catalog.kysely
      .updateTable('sources')
      .set({ merged_into: a?.id ?? 0 })
      .where('id', '=', b?.id ?? 0)
      .execute()
    const back = await imported(here, wishFor(path, 'merged-2')).finally(() =>
      here.catalog.kysely.updateTable('sources').set({ merged_into: null }).execute(),
    )
    const feeds = await withTenant(here.catalog, back.tenant, tables =>
      tables.feeds().select('source_id').orderBy('id').execute(),
    )
    expect(feeds.map(feed => feed.source_id)).toEqual([a?.id, b?.id])
  })

  it('takes no file of which any byte was changed or cut, and leaves nothing', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'fuzzed', 'shared')
    await furnish(here.catalog, tenant, 6)
    const whole = readFileSync(await exported(here, tenant))
    const wished = (bytes: Buffer) => ({ ...wishFor('', 'fuzz-2', 'shared'), open: () => Readable.from([bytes]) })
    const step = Math.ceil(whole.length / 150)
    for (let at = 0; at < whole.length; at += step) {
      const flipped = Buffer.from(whole)
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8))
      await expect(imported(here, wished(flipped)), `byte ${at} of ${whole.length}`).rejects.toMatchObject({
        code: 'EXPORT_INVALID',
      })
      await expect(imported(here, wished(whole.subarray(0, at))), `cut at ${at}`).rejects.toMatchObject({
        code: 'EXPORT_INVALID',
      })
    }
    // The seal to its last byte: the ends of a gzip are where its own sums do not look.
    for (let at = whole.length - 110; at < whole.length; at++) {
      const flipped = Buffer.from(whole)
      flipped[at] = (flipped[at] as number) ^ 0x10
      await expect(imported(here, wished(flipped)), `byte ${at} of ${whole.length}`).rejects.toMatchObject({
        code: 'EXPORT_INVALID',
      })
    }
    await expect(imported(here, wished(Buffer.concat([whole, whole])))).rejects.toMatchObject({ code: 'EXPORT_INVALID' })
    expect(await rowsOf(here, 'fuzz-2')).toBeUndefined()
    expect(await strays(here)).toEqual([])
  })

  it.each<[string, RegExp, (lines: string[]) => string[]]>([
    [
      'a table that nobody knows',
      /expected the table posts/,
      lines => lines.map(line => line.replace('"table":"posts"', '"table":"users"')),
    ],
    [
      'a column that nobody knows',
      /a column "tenant_id"/,
      lines => lines.map(line => line.replace('{"table":"feeds","columns":["id"', '{"table":"feeds","columns":["tenant_id"')),
    ],
    ['a table twice', /expected the table posts/, lines => [...lines.slice(0, 5), ...lines.slice(1, 5), ...lines.slice(5)]],
    [
      'a row twice',
      /is not behind the row before it/,
      lines => lines.flatMap(line => (line.startsWith('[1,2,"guid 1"') ? [line, line] : [line])),
    ],
    [
      'rows that are no rows',
      /neither a row nor the end/,
      lines => lines.map(line => (line.startsWith('[1,2,"guid 1"') ? '{"tenant_id":1}' : line)),
    ],
    [
      'a value of another kind',
      /posts, row 1: id is no id/,
      lines => lines.map(line => line.replace(/^\[1,2,"guid 1"/, '["1",2,"guid 1"')),
    ],
    [
      'a number that is too large',
      /is no id/,
      lines => lines.map(line => line.replace(/^\[1,2,"guid 1"/, '[1,9007199254740993,"guid 1"')),
    ],
    [
      'a post of a feed that is not there',
      /of a feed 77/,
      lines => lines.map(line => line.replace(/^\[1,2,"guid 1"/, '[1,77,"guid 1"')),
    ],
    ['two posts of one guid', /the database refuses its rows/, lines => twins(lines)],
    [
      'numbers that would be given twice',
      /posts would be numbered from 2/,
      lines => lines.map(line => line.replace(/^\["posts",\d+\]/, '["posts",2]')),
    ],
    [
      'a path for a media file',
      /a name that no file may have/,
      lines => lines.map(line => line.replace(/"ab\/(ab)+\.png"/, '"../../etc/passwd"')),
    ],
    [
      'a URL that runs',
      /is no http\(s\) URL/,
      lines => lines.map(line => line.replace('"https://example.com/2?a=%27"', '"javascript:alert(1)"')),
    ],
    [
      'a feed of a file',
      /is no http\(s\) URL/,
      lines => lines.map(line => line.replace('"https://example.com/a.xml"', '"file:///etc/passwd"')),
    ],
    [
      'a password in the URL of a feed',
      /not written as that of a feed/,
      lines => lines.map(line => line.replace('"https://example.com/a.xml"', '"https://u:p@example.com/a.xml"')),
    ],
    [
      'a slug that is a path',
      /is not a tenant slug/,
      lines => lines.map(line => line.replace('"slug":"hostile"', '"slug":"../x"')),
    ],
    ['a later format', /upgrade feedctl/, lines => lines.map(line => line.replace('"format":1', '"format":2'))],
    ['a later schema', /upgrade feedctl/, lines => lines.map(line => line.replace(/"schema":\d+/, '"schema":99'))],
    ['no JSON', /is not JSON/, lines => lines.map(line => line.replace(/^\[1,2,"guid 1"/, '[1,2,guid 1'))],
    ['no end', /the file ends here|expected the table/, lines => lines.slice(0, -1)],
    ['lines behind its end', /behind|after the last line/, lines => [...lines, '[1]']],
  ])('refuses a sealed file with %s, says where, and leaves nothing', async (_what, words, change) => {
    const here = await openInstallation(env)
    const tenant = (await rowsOfTenant(here, 'hostile')) ?? (await tenantIn(here, 'hostile', 'shared'))
    if ((await withTenant(here.catalog, tenant, tables => tables.feeds().select('id').execute())).length === 0)
      await furnish(here.catalog, tenant, 6)
    const lines = change(linesOf(await exported(here, tenant)))
    const path = sealed(lines.every(isJson) && isObject(lines.at(-1)) ? summed(lines) : lines)
    for (const placement of ['dedicated', 'shared'] as const)
      await expect(imported(here, wishFor(path, 'hostile-2', placement))).rejects.toMatchObject({
        code: 'EXPORT_INVALID',
        message: expect.stringMatching(words),
      })
    expect(await rowsOf(here, 'hostile-2')).toBeUndefined()
    expect(await strays(here)).toEqual([])
  })

  it('refuses a line without end before it has filled the memory', async () => {
    const here = await openInstallation(env)
    let given = 0
    const piece = Buffer.alloc(1024 * 1024, 0x20)
    const compressed = gzipSync(Buffer.concat(Array.from({ length: 200 }, () => piece)))
    const wish = {
      ...wishFor('', 'bomb'),
      open: () =>
        Readable.from(
          (function* () {
            for (let at = 0; at < compressed.length; at += 1024) {
              given += 1024
              yield compressed.subarray(at, at + 1024)
            }
          })(),
        ),
    }
    await expect(imported(here, wish)).rejects.toMatchObject({
      code: 'EXPORT_INVALID',
      message: expect.stringMatching(/longer than/),
    })
    expect(given).toBeLessThan(compressed.length / 2)
  })

  it('runs no script of a file: contents are made safe again', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'scripts')
    await furnish(here.catalog, tenant, 4)
    const lines = linesOf(await exported(here, tenant)).map(line =>
      line.replaceAll('<em>safe</em>', '<em>safe</em><script>x</script><img src=x onerror=y>'),
    )
    const back = await imported(here, wishFor(sealed(summed(lines)), 'scripts-2'))
    const posts = await withTenant(here.catalog, back.tenant, tables => tables.posts().select('content').execute())
    expect(posts.map(post => post.content).join()).toContain('<em>safe</em>')
    expect(posts.map(post => post.content).join()).not.toMatch(/script|onerror/)
  })

  it('takes a file of an earlier schema, and reads null for what it did not know', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'early')
    await furnish(here.catalog, tenant, 4)
    const kept: string[] = []
    let columns: string[] = []
    let table = ''
    for (const line of linesOf(await exported(here, tenant))) {
      const value = JSON.parse(line)
      const section = SECTIONS.find(one => one.table === (value.table ?? value.end ?? table))
      table = value.table ?? table
      if (section !== undefined && section.since > 1) continue
      if (value.table !== undefined) columns = value.columns
      const old = (names: readonly unknown[]) => names.filter((_, index) => (section?.later[columns[index] ?? ''] ?? 1) <= 1)
      if (value.feedctl !== undefined) kept.push(line.replace(/"schema":\d+/, '"schema":1'))
      else if (value.table !== undefined) kept.push(JSON.stringify({ ...value, columns: old(value.columns) }))
      else if (Array.isArray(value)) kept.push(JSON.stringify(old(value)))
      else kept.push(line)
    }
    const back = await imported(here, wishFor(sealed(summed(kept)), 'early-2'))
    expect(back.rows).toMatchObject({ feeds: 2, posts: 4, media_links: 0, events: 0 })
    const feeds = await withTenant(here.catalog, back.tenant, tables =>
      tables.feeds().select(['keep_days', 'alert', 'version']).orderBy('id').execute(),
    )
    expect(feeds[0]).toMatchObject({ keep_days: null, alert: null, version: expect.any(String) })
  })

  it('has every column that tenants have', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'columns')
    await here.catalog.server.use<TenantSchema, void>(tenant.placement.database, async database => {
      for (const table of TENANT_TABLES) {
        if (table === 'residents') continue
        const section = SECTIONS.find(one => one.table === table)
        const found =
          kind === 'sqlite'
            ? await sql<{ name: string }>`select name from pragma_table_xinfo(${table})`.execute(database.kysely)
            : await sql<{
                name: string
              }>`select column_name as name from information_schema.columns where table_schema = ${tenant.placement.database} and table_name = ${table}`.execute(
                database.kysely,
              )
        const names = found.rows.map(row => row.name).filter(name => !['tenant_id', 'sort_at', 'source_id'].includes(name))
        expect(names.toSorted(), table).toEqual(Object.keys(section?.columns ?? {}).toSorted())
      }
    })
  })

  it.each([
    'dedicated',
    'shared',
  ] as const)('shows nothing of an import that was killed or went away, and the same call begins it anew (%s)', async placement => {
    const here = await openInstallation(env)
    const tenant = (await rowsOfTenant(here, 'cut')) ?? (await tenantIn(here, 'cut', 'shared'))
    await furnish(here.catalog, tenant, 6).catch(() => {})
    const path = await exported(here, tenant)
    const slug = `cut-${placement}`
    let failures = 0
    const parts = {
      cleanContent: (html: string) => {
        if (failures++ === 3) throw new Failure('UNAVAILABLE', 'the database is away')
        return html
      },
    }
    await expect(imported(here, wishFor(path, slug, placement), parts)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await rowsOf(here, slug)).toMatchObject({ state: 'provisioning', token_hash: null })
    const back = await imported(here, wishFor(path, slug, placement))
    expect(comparable(await exported(here, back.tenant))).toEqual(comparable(path))
    expect(await strays(here)).toEqual([])
  })

  it('leaves a tenant that is there as it is', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'taken', 'shared')
    await furnish(here.catalog, tenant, 3)
    const path = await exported(here, tenant)
    const before = comparable(path)
    await expect(imported(here, wishFor(path, 'taken', 'shared'))).rejects.toMatchObject({ code: 'TENANT_EXISTS' })
    expect(comparable(await exported(here, tenant))).toEqual(before)
  })
})

async function rowsOfTenant(here: Installation, slug: string): Promise<Tenant | null> {
  const { getTenant } = await import('../../../src/tenants/tenant.js')
  return getTenant(here.catalog, parseSlug(slug)).catch(() => null)
}

function isObject(line = ''): boolean {
  return line.startsWith('{')
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

/** The third post gets the feed and the guid's hash of the first. */
function twins(lines: string[]): string[] {
  const first = JSON.parse(lines.find(line => line.startsWith('[1,2,"guid 1"')) ?? '[]')
  return lines.map(line => {
    if (!line.startsWith('[3,2,"guid 3"')) return line
    const row = JSON.parse(line)
    row[3] = first[3]
    return JSON.stringify(row)
  })
}
