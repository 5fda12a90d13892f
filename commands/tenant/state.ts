import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { tenantView } from './view.js'

export function registerState(tenant: Command, io: Io): void {
  const print = (changed: Tenant) => io.print({ tenant: tenantView(changed) }, () => `tenant ${changed.slug} is ${changed.state}`)
  const suspend = tenant
    .command('suspend')
    .description('stop syncing and serving a tenant; its data stays')
    .argument('<slug>')
    .action(async slug => {
      await using app = await opening(io)
      const [{ changeState }, { parseSlug }] = await Promise.all([
        import('../../src/tenants/tenant.js'),
        import('../../src/tenants/ids.js'),
      ])
      print(await changeState(app.catalog, parseSlug(slug), ['active', 'suspended'], 'suspended'))
    })
  examples(suspend, ['feedctl tenant suspend acme'])
  const resume = tenant
    .command('resume')
    .description('make a suspended tenant, or one marked for deletion, active again')
    .argument('<slug>')
    .action(async slug => {
      await using app = await opening(io)
      const [{ resumeTenant }, { parseSlug }] = await Promise.all([
        import('../../src/tenants/removal.js'),
        import('../../src/tenants/ids.js'),
      ])
      print(await resumeTenant(app.catalog, parseSlug(slug)))
    })
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
