import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted, duration } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import type { FeedWish } from '../../src/feeds/subscriptions.js'
import { Failure } from '../../src/kernel/errors.js'
import type { NewTenant } from '../../src/tenants/claim.js'
import type { DbUserLogin } from '../../src/tenants/db-user-login.js'
import type { BulkReport } from '../../src/tenants/provision.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { opening } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { readTenantsCsv } from './csv.js'
import { placementWords, tenantView } from './view.js'

interface CreateOptions {
  name?: string
  placement?: string
  host?: string
  feed?: string[]
  opml?: string
  from?: string
  count?: number
  prefix?: string
  dbUser?: boolean
}

export function registerCreate(tenant: Command, io: Io): void {
  const command = tenant
    .command('create')
    .description('create a tenant, or many')
    .argument('[slug]', '2 to 41 of a-z, 0-9 and -')
    .option('--name <name>', 'what people call the tenant (default: the slug)')
    .option('--placement <kind>', 'dedicated or shared (default: FEEDCTL_PLACEMENT)')
    .option('--host <name>', 'database host (default: by weight and fullness)')
    .option('--feed <url...>', 'subscribe to these feeds; not looked at, as `feedctl feed add` does')
    .option('--opml <file>', 'subscribe to the feeds of an OPML file')
    .option('--from <file>', 'create the tenants of a CSV file: slug,name,placement,host,opml')
    .option('--count <n>', 'create n tenants, p0001 and so on', wholeNumber(1, 1_000_000))
    .option('--prefix <p>', 'start of the slugs that --count makes (default: p)')
    .option('--db-user', 'make a MySQL user that may read its database, and no other; its password is shown once')
    .action(async (slug, options) => {
      if (options.dbUser && slug === undefined) {
        throw new Failure('USAGE', '--db-user goes with one tenant', { hint: 'feedctl tenant db-user <slug> --create' })
      }
      if ([slug, options.from, options.count].filter(way => way !== undefined).length !== 1) {
        throw new Failure('USAGE', 'name one slug, or --from a file, or --count', { hint: 'feedctl tenant create --help' })
      }
      await using app = await opening(io)
      if (slug !== undefined) await createOne(app, io, slug, options)
      else await createMany(app, io, options)
    })
  examples(command, [
    'feedctl tenant create acme --name "Acme" --feed https://example.com/feed.xml',
    'feedctl tenant create acme --host disk2',
    'feedctl tenant create --from tenants.csv',
    'feedctl tenant create acme --placement dedicated --db-user',
    'feedctl tenant create --count 1000 --placement shared',
  ])
}

async function createOne(app: App, io: Io, slug: string, options: CreateOptions): Promise<void> {
  const begun = performance.now()
  const [{ createTenant }, { addFeeds }] = await Promise.all([
    import('../../src/tenants/provision.js'),
    import('../../src/feeds/subscriptions.js'),
  ])
  const wanted = await newTenant(app, { slug, name: options.name ?? slug }, options)
  const wishes = await wishesOf(options, io)
  if (options.dbUser) await refuseUser(app, wanted)
  const made = await createTenant(app.catalog, app.config.databasePrefix, wanted, async tenant => ({
    feeds: await addFeeds(app.catalog, tenant, wishes, { maxFeeds: app.config.maxFeeds }),
    dbUser: options.dbUser ? await userOf(app, tenant) : null,
  }))
  const { feeds: added, dbUser } = made.furnished
  const feeds = added.added.length + added.existing.length
  const durationMs = Math.round(performance.now() - begun)
  const result = { tenant: tenantView(made.tenant), token: made.token, feeds, ...(dbUser === null ? {} : { dbUser }), durationMs }
  const userWords = dbUser === null ? [] : [(await import('../../src/tenants/db-user-login.js')).loginWords(dbUser)]
  io.print(result, (value, style) =>
    [
      `${style.green('created')} tenant ${style.bold(made.tenant.slug)} (${placementWords(made.tenant)}) with ${counted(value.feeds, 'feed')} in ${duration(value.durationMs)}`,
      `API token, shown once: ${value.token}`,
      ...userWords,
    ].join('\n'),
  )
}

async function refuseUser(app: App, { placement }: NewTenant): Promise<void> {
  const { refuseDbUser } = await import('../../src/tenants/db-users.js')
  refuseDbUser(app.catalog, placement)
}

async function userOf(app: App, tenant: Tenant): Promise<DbUserLogin> {
  const [{ giveDbUser }, { loginOf }] = await Promise.all([
    import('../../src/tenants/db-users.js'),
    import('../../src/tenants/db-user-login.js'),
  ])
  return loginOf(app.catalog, app.config, await giveDbUser(app.catalog, tenant))
}

async function createMany(app: App, io: Io, options: CreateOptions): Promise<void> {
  const begun = performance.now()
  const [{ createTenants }, { addFeeds }] = await Promise.all([
    import('../../src/tenants/provision.js'),
    import('../../src/feeds/subscriptions.js'),
  ])
  const rows = options.from === undefined ? countedRows(options) : await readTenantsCsv(options.from, io)
  const common = await wishesOf(options, io)
  const wishes = new Map(rows.map(row => [row.slug, [...common, ...row.wishes]]))
  const wanted = await Promise.all(rows.map(row => newTenant(app, row, options)))
  await refuseUnknownHosts(app, wanted)
  const progress = io.progress('tenants')
  progress.start(wanted.length)
  const hasFeeds = [...wishes.values()].some(list => list.length > 0)
  const report = await createTenants(app.catalog, app.config.databasePrefix, wanted, {
    signal: io.signal,
    progress: done => progress.update(done),
    ...(hasFeeds
      ? { furnish: tenant => addFeeds(app.catalog, tenant, wishes.get(tenant.slug) ?? [], { maxFeeds: app.config.maxFeeds }) }
      : {}),
  })
  progress.stop()
  const result = { ...report, durationMs: Math.round(performance.now() - begun) }
  io.print(result, bulkWords)
  if (report.tenants.failed > 0)
    throw new Failure('PARTIAL', `${report.tenants.failed} of ${report.tenants.total} tenants failed`, {
      hint: 'the same command again',
    })
}

function bulkWords(report: BulkReport & { durationMs: number }): string {
  const { total, created, existing, failed } = report.tenants
  const failures = report.failures.slice(0, 20).map(failure => `  ${failure.slug}: ${failure.message} (${failure.code})`)
  return [
    `${created} of ${total} tenants created, ${existing} existed, ${failed} failed, in ${duration(report.durationMs)}`,
    ...failures,
  ].join('\n')
}

function countedRows(options: CreateOptions): { slug: string; name: string; placement?: string; wishes: FeedWish[] }[] {
  const total = options.count ?? 0
  const digits = Math.max(4, String(total).length)
  return Array.from({ length: total }, (_, index) => {
    const slug = `${options.prefix ?? 'p'}${String(index + 1).padStart(digits, '0')}`
    return { slug, name: slug, wishes: [] }
  })
}

interface Row {
  readonly slug: string
  readonly name: string
  readonly placement?: string
  readonly host?: string
}

async function newTenant(app: App, row: Row, options: CreateOptions): Promise<NewTenant> {
  const { parseSlug, parseTenantName } = await import('../../src/tenants/ids.js')
  const kind = row.placement ?? options.placement ?? app.config.placement
  if (kind !== 'dedicated' && kind !== 'shared')
    throw new Failure('USAGE', `placement ${JSON.stringify(kind)} is not dedicated or shared`)
  const host = row.host ?? options.host ?? null
  return { slug: parseSlug(row.slug), name: parseTenantName(row.name), placement: kind, host }
}

/** Before anything is created. @throws {Failure} HOST_NOT_FOUND */
async function refuseUnknownHosts({ catalog }: App, wanted: readonly NewTenant[]): Promise<void> {
  const { getHost } = await import('../../src/tenants/hosts/rows.js')
  const names = new Set(wanted.flatMap(({ host }) => (host === null || host === undefined ? [] : [host])))
  for (const name of names) await getHost(catalog.kysely, name)
}

async function wishesOf(options: CreateOptions, io: Io): Promise<FeedWish[]> {
  const { parseFeedUrl } = await import('../../src/feeds/urls.js')
  const named = (options.feed ?? []).map(url => ({ url: parseFeedUrl(url), title: null }))
  if (options.opml === undefined) return named
  const { readOpmlFile } = await import('../feed/opml-file.js')
  return [...named, ...(await readOpmlFile(resolve(io.cwd, options.opml)))]
}
