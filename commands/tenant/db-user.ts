import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'

export function registerDbUser(tenant: Command, io: Io): void {
  const command = tenant
    .command('db-user')
    .description('the MySQL user that may read the database of one dedicated tenant: show, make, replace or drop it')
    .argument('<slug>')
    .option('--create', 'make it; its password is shown once')
    .option('--rotate', 'give it a new password, shown once; the old one opens no more connections')
    .option('--drop', 'remove it, and end its sessions')
    .action(async (slug, { create, rotate, drop }) => {
      if ([create, rotate, drop].filter(Boolean).length > 1) {
        throw new Failure('USAGE', 'pass one of --create, --rotate and --drop', { hint: 'feedctl tenant db-user --help' })
      }
      if (drop) await io.confirm(`remove the database user of tenant ${slug}`)
      await using app = await opening(io)
      const { parseSlug } = await import('../../src/tenants/ids.js')
      const { getTenant } = await import('../../src/tenants/tenant.js')
      const found = await getTenant(app.catalog, parseSlug(slug))
      if (create || rotate) await give(app, io, found, create === true)
      else if (drop) await remove(app, io, found)
      else await show(app, io, found)
    })
  examples(command, [
    'feedctl tenant db-user acme',
    'feedctl tenant db-user acme --create',
    'feedctl tenant db-user acme --rotate --json',
    'feedctl tenant db-user acme --drop --yes',
  ])
}

async function give(app: App, io: Io, tenant: Tenant, isNew: boolean): Promise<void> {
  const [{ createDbUser, rotateDbUser }, { loginOf, loginWords }] = await Promise.all([
    import('../../src/tenants/db-users.js'),
    import('../../src/tenants/db-user-login.js'),
  ])
  const user = await (isNew ? createDbUser : rotateDbUser)(app.catalog, tenant)
  const dbUser = await loginOf(app.catalog, app.config, user)
  io.print({ slug: tenant.slug, dbUser }, value => loginWords(value.dbUser))
}

async function remove(app: App, io: Io, tenant: Tenant): Promise<void> {
  const { dropDbUser } = await import('../../src/tenants/db-users.js')
  const dropped = await dropDbUser(app.catalog, tenant.placement)
  io.print({ slug: tenant.slug, dropped }, value =>
    value.dropped === null
      ? `tenant ${value.slug} has no database user`
      : `database user ${value.dropped} of tenant ${value.slug} is removed, and its sessions are ended`,
  )
}

async function show(app: App, io: Io, tenant: Tenant): Promise<void> {
  const { dbUserOf } = await import('../../src/tenants/db-users.js')
  const username = await dbUserOf(app.catalog, tenant.placement)
  const dbUser = username === null ? null : { username, database: tenant.placement.database }
  const none = app.config.dbConnection === 'sqlite' ? ': SQLite has none' : '; --create makes one'
  io.print({ slug: tenant.slug, dbUser }, value =>
    value.dbUser === null
      ? `tenant ${value.slug} has no database user${none}`
      : `tenant ${value.slug}: database user ${value.dbUser.username}, may read ${value.dbUser.database}`,
  )
}
