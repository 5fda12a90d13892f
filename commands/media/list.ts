import { type Command, Option } from '@commander-js/extra-typings'
import { bytes } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import { Failure } from '../../src/kernel/errors.js'
import type { listMedia } from '../../src/media/list.js'
import { LINK_STATES, MEDIA_STATES } from '../../src/media/states.js'
import type { TenantTables, withTenant as WithTenant } from '../../src/tenants/tables.js'
import { tenantNamed } from '../feed/tenant.js'
import { opening } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { linkLines } from './link-words.js'

type Page = Awaited<ReturnType<typeof listMedia>>

export function registerList(media: Command, io: Io): void {
  const list = media
    .command('list')
    .description(
      "a tenant's media files and how far each is on its way to the bucket, or what its posts name and what became of that",
    )
    .argument('<slug>')
    .option('--links', 'what posts name: stored, waiting, failed or refused')
    .addOption(new Option('--state <state>', 'only those in this state').choices([...MEDIA_STATES, ...LINK_STATES]))
    .option('--limit <n>', 'most files, or links, on the page', wholeNumber(1, 10_000), 100)
    .option('--after <id>', 'start after this id: `next` of the page before', wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
    .action(async (slug, { links, state, limit, after }) => {
      const [{ listMedia }, { listLinks }, { withTenant }] = await Promise.all([
        import('../../src/media/list.js'),
        import('../../src/media/list-links.js'),
        import('../../src/tenants/tables.js'),
      ])
      const filter = { limit, after }
      if (links) {
        const wanted = stateOf(LINK_STATES, state, 'a link')
        await print(io, slug, withTenant, tables => listLinks(tables, { ...filter, ...wanted }), linkLines)
      } else {
        const wanted = stateOf(MEDIA_STATES, state, 'a file')
        await print(io, slug, withTenant, tables => listMedia(tables, { ...filter, ...wanted }), words)
      }
    })
  examples(list, [
    'feedctl media list acme',
    'feedctl media list acme --state uploading --json',
    'feedctl media list acme --links --state failed',
  ])
}

async function print<T extends object>(
  io: Io,
  slug: string,
  withTenant: typeof WithTenant,
  read: (tables: TenantTables) => Promise<T>,
  asText: (page: T, style: Style) => string,
): Promise<void> {
  await using app = await opening(io)
  const tenant = await tenantNamed(app, slug)
  const page = await withTenant(app.catalog, tenant, read, io.signal)
  io.print({ tenant: tenant.slug, ...page }, (_, style) => asText(page, style))
}

/** @throws {Failure} USAGE for a state that these are never in */
function stateOf<S extends string>(states: readonly S[], given: string | undefined, what: string): { state?: S } {
  if (given === undefined) return {}
  const state = states.find(known => known === given)
  if (state === undefined)
    throw new Failure('USAGE', `${what} is never ${given}`, { hint: `--state is one of ${states.join(', ')}` })
  return { state }
}

function words({ media, next }: Page, style: Style): string {
  if (media.length === 0) return 'no media'
  const rows = table(
    media,
    [
      { title: 'ID', cell: row => row.id },
      { title: 'STATE', cell: row => row.state },
      { title: 'SIZE', cell: row => bytes(row.bytes), right: true },
      { title: 'TYPE', cell: row => row.type },
      { title: 'NAME', cell: row => row.name },
      { title: 'FAILURE', cell: row => row.failure?.code ?? null, paint: text => (text === '-' ? text : style.red(text)) },
    ],
    style,
  )
  return next === null ? rows : `${rows}more: --after ${next}`
}
