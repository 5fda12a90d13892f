import { type Command, Option } from '@commander-js/extra-typings'
import { count } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import { showControls } from '../../src/cli/width.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { opening } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { placementWords, tenantView } from './view.js'

const STATES = ['provisioning', 'active', 'suspended', 'deleting'] as const

export function registerList(tenant: Command, io: Io): void {
  const list = tenant
    .command('list')
    .description('list tenants in slug order')
    .addOption(new Option('--state <state>', 'only those in this state').choices(STATES))
    .addOption(new Option('--placement <kind>', 'only those placed so').choices(['dedicated', 'shared'] as const))
    .option('--limit <n>', 'most tenants on the page', wholeNumber(1, 10_000), 100)
    .option('--after <slug>', 'start after this slug: `next` of the page before')
    .action(async ({ limit, state, placement, after }) => {
      await using app = await opening(io)
      const { listTenants } = await import('../../src/tenants/tenant.js')
      const filter = { limit, ...(state ? { state } : {}), ...(placement ? { placement } : {}), ...(after ? { after } : {}) }
      const page = await listTenants(app.catalog, filter)
      io.print({ tenants: page.tenants.map(tenantView), next: page.next }, (_, style) =>
        listWords(page.tenants, page.next, style),
      )
    })
  examples(list, [
    'feedctl tenant list',
    'feedctl tenant list --state suspended --json',
    'feedctl tenant list --limit 500 --after p0500',
  ])

  const show = tenant
    .command('show')
    .description('show one tenant')
    .argument('<slug>')
    .action(async slug => {
      await using app = await opening(io)
      const [{ getTenant }, { parseSlug }, { tenantContent }, { openMoveViews }, { moveWords }] = await Promise.all([
        import('../../src/tenants/tenant.js'),
        import('../../src/tenants/ids.js'),
        import('../../src/tenants/content.js'),
        import('../../src/tenants/moving/listing.js'),
        import('./move-words.js'),
      ])
      const found = await getTenant(app.catalog, parseSlug(slug))
      const content = await tenantContent(app.catalog, found)
      const moves = await openMoveViews(app.catalog, found.id)
      io.print({ tenant: { ...tenantView(found), ...content, moves } }, (_, style) =>
        [
          `${style.bold(found.slug)} (${showControls(found.name)})`,
          `  id         ${found.id}`,
          `  state      ${found.state}${found.deleteAfterAt === null ? '' : `, removed after ${new Date(found.deleteAfterAt).toISOString()}`}`,
          `  placement  ${placementWords(found)}`,
          `  feeds      ${count(content.feeds)}`,
          `  posts      ${count(content.posts)}`,
          `  created    ${new Date(found.createdAt).toISOString()}`,
          ...moves.map(moveWords),
        ].join('\n'),
      )
    })
  examples(show, ['feedctl tenant show acme'])
}

function listWords(tenants: readonly Tenant[], next: string | null, style: Style): string {
  if (tenants.length === 0) return 'no tenants'
  const rows = table(
    tenants,
    [
      { title: 'SLUG', cell: tenant => tenant.slug },
      { title: 'NAME', cell: tenant => tenant.name },
      {
        title: 'STATE',
        cell: tenant => tenant.state,
        paint: (text, tenant) => (tenant.state === 'active' ? style.green(text) : style.yellow(text)),
      },
      { title: 'PLACEMENT', cell: placementWords },
    ],
    style,
  )
  return next === null ? rows : `${rows}more: --after ${next}`
}
