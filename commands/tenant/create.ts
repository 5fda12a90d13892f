import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted, duration } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { Failure, isFailure } from '../../src/kernel/errors.js'
import type { NewTenant } from '../../src/tenants/claim.js'
import type { DbUserLogin } from '../../src/tenants/db-user-login.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { opening } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { createMany } from './create-many.js'
import { type CreateOptions, newTenant, wishesOf } from './new-tenant.js'
import { placementWords, tenantView } from './view.js'

export function registerCreate(tenant: Command, io: Io): void {
  const command = tenant
    .command('create')
    .description('create a tenant, or many')
    .argument('[slug]', '2 to 41 of a-z, 0-9 and -')
    .option('--name <name>', 'what people call the tenant (default: the slug)')
    .option('--placement <kind>', 'dedicated or shared (default: FEEDCTL_PLACEMENT)')
    .option('--host <name>', 'database host (default: by weight and fullness)')
    .option('--region <name>', 'on a database host of that region, by weight and fullness')
    .option('--feed <url...>', 'subscribe to these feeds; not looked at, as `feedctl feed add` does')
    .option('--opml <file>', 'subscribe to the feeds of an OPML file')
    .option('--from <file>', 'create the tenants of a CSV file: slug,name,placement,host,region,opml')
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
      if (options.host !== undefined && options.region !== undefined) {
        throw new Failure('USAGE', 'name a host, or a region', { hint: 'feedctl host list shows where hosts are' })
      }
      await using app = await opening(io)
      await refuseHost(app, options)
      if (slug !== undefined) await createOne(app, io, slug, options)
      else await createMany(app, io, options)
    })
  examples(command, [
    'feedctl tenant create acme --name "Acme" --feed https://example.com/feed.xml',
    'feedctl tenant create acme --host disk2',
    'feedctl tenant create acme --region eu',
    'feedctl tenant create --from tenants.csv',
    'feedctl tenant create acme --placement dedicated --db-user',
    'feedctl tenant create --count 1000 --placement shared',
  ])
}

/** Before anything is created. @throws {Failure} HOST_NOT_FOUND */
async function refuseHost({ catalog }: App, { host, region }: CreateOptions): Promise<void> {
  if (host === undefined && region === undefined) return
  const { getHost, refuseRegion } = await import('../../src/tenants/hosts/rows.js')
  if (host !== undefined) await getHost(catalog.kysely, host)
  if (region !== undefined) await refuseRegion(catalog.kysely, region)
}

async function createOne(app: App, io: Io, slug: string, options: CreateOptions): Promise<void> {
  const begun = performance.now()
  const [{ createTenant }, { addFeeds }] = await Promise.all([
    import('../../src/tenants/provision.js'),
    import('../../src/feeds/subscriptions.js'),
  ])
  const wanted = newTenant(app, { slug, name: options.name ?? slug, placement: null, host: null, region: null }, options)
  const wishes = await wishesOf(options, io)
  if (options.dbUser) await refuseUser(app, wanted)
  const made = await createTenant(app.catalog, app.config.databasePrefix, wanted, async tenant => ({
    feeds: await addFeeds(app.catalog, tenant, wishes, { maxFeeds: app.config.maxFeeds }),
    dbUser: options.dbUser ? await userOf(app, tenant) : null,
  }))
  await refill(app, io)
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

/** Has a worker make the spare database that may have been taken; where there are none, and when the queue is away, the schedule does. */
async function refill(app: App, io: Io): Promise<void> {
  if (app.config.spareDatabases === 0 || app.config.queueConnection === 'sync') return
  const { keepSpareDatabases } = await import('../../src/jobs.js')
  try {
    await (await app.queue(io.signal)).add([keepSpareDatabases()])
  } catch (error) {
    if (!isFailure(error)) throw error
    app.log.warn('no worker was told to make another spare database', { why: error.message })
  }
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
