import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import type { TenantState } from '../../src/tenants/databases/index.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { tenantView } from './view.js'

export function registerState(tenant: Command, io: Io): void {
  const change = async (slug: string, from: readonly TenantState[], to: TenantState) => {
    await using app = await opening(io)
    const [{ changeState }, { parseSlug }] = await Promise.all([
      import('../../src/tenants/tenant.js'),
      import('../../src/tenants/ids.js'),
    ])
    const changed = await changeState(app.catalog, parseSlug(slug), from, to)
    io.print({ tenant: tenantView(changed) }, () => `tenant ${changed.slug} is ${changed.state}`)
  }
  const suspend = tenant
    .command('suspend')
    .description('stop syncing and serving a tenant; its data stays')
    .argument('<slug>')
    .action(slug => change(slug, ['active', 'suspended'], 'suspended'))
  examples(suspend, ['feedctl tenant suspend acme'])
  const resume = tenant
    .command('resume')
    .description('make a suspended tenant, or one marked for deletion, active again')
    .argument('<slug>')
    .action(slug => change(slug, ['active', 'suspended', 'deleting'], 'active'))
  examples(resume, ['feedctl tenant resume acme'])

  const token = tenant
    .command('token')
    .description('replace the API token; the old one ends at once, the new one is shown once')
    .argument('<slug>')
    .action(async slug => {
      await using app = await opening(io)
      const [{ rotateToken }, { parseSlug }] = await Promise.all([
        import('../../src/tenants/tokens.js'),
        import('../../src/tenants/ids.js'),
      ])
      const parsed = parseSlug(slug)
      const fresh = await rotateToken(app.catalog, parsed)
      io.print({ slug: parsed, token: fresh }, value => `API token of ${value.slug}, shown once: ${value.token}`)
    })
  examples(token, ['feedctl tenant token acme'])
}
