import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { Failure, FirstBug } from '../../src/kernel/errors.js'
import type { RemovalReceipt } from '../../src/tenants/removal.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { removedWords } from './receipt-words.js'
import { parseSpan } from './span.js'
import { tenantView } from './view.js'

const DEFAULT_GRACE = '7d'
/** Of one report; all are kept, and `tenant receipt --list` has them. */
const MOST_RECEIPTS = 1_000

export function registerDelete(tenant: Command, io: Io): void {
  const command = tenant
    .command('delete')
    .description('hide a tenant now and remove it after a grace, or at once')
    .argument('[slug]')
    .option('--grace <time>', `how long it can still be resumed: 30m, 12h, 7d (default: ${DEFAULT_GRACE})`)
    .option('--now', 'remove it at once, with all its feeds, posts and media')
    .option('--due', 'remove every tenant whose grace is over')
    .option('--dump <file>', 'write all it has to this file first; where that fails nothing is removed')
    .option('--forget-bucket', 'with --now or --due: leave in the bucket what is there, and do not ask it')
    .action(async (slug, { grace, now, due, dump, forgetBucket }) => {
      if ((slug === undefined) !== (due === true) || (grace !== undefined && (now || due)) || (now && due)) {
        throw usage('name one tenant, with --grace or --now, or pass --due alone')
      }
      if (forgetBucket && !now && !due) throw usage('--forget-bucket goes with --now or --due')
      if (dump !== undefined && due) throw usage('--dump goes with one tenant')
      const graceMs = parseSpan('--grace', grace ?? DEFAULT_GRACE)
      await io.confirm(slug === undefined ? 'remove every tenant whose grace is over' : `delete tenant ${slug}`)
      await using app = await opening(io)
      if (slug === undefined) await removeDue(app, io, forgetBucket === true)
      else if (now) await removeNow(app, io, slug, { dump, forgetBucket: forgetBucket === true })
      else await mark(app, io, slug, { dump, graceMs })
    })
  examples(command, [
    'feedctl tenant delete acme --yes',
    'feedctl tenant delete acme --dump acme.tenant.gz --yes',
    'feedctl tenant delete acme --now --yes',
    'feedctl tenant delete --due --yes',
  ])
}

interface Marking {
  /** A file; undefined for none. */
  readonly dump: string | undefined
  readonly graceMs: number
}

async function mark(app: App, io: Io, slug: string, marking: Marking): Promise<void> {
  const marked = await hide(app, io, slug, marking)
  io.print({ tenant: tenantView(marked) }, ({ tenant }) => {
    const until = new Date(tenant.deleteAfterAt ?? 0).toISOString()
    return `tenant ${tenant.slug} is hidden; \`feedctl tenant resume ${tenant.slug}\` brings it back, \`feedctl tenant delete --due --yes\` removes it after ${until}`
  })
}

/** A dump to the same file that was made since it was hidden is not made again: the same command goes on. */
async function hide(app: App, io: Io, slug: string, { dump, graceMs }: Marking) {
  const [{ markDeleted, markDumped }, { parseSlug }] = await Promise.all([
    import('../../src/tenants/removal.js'),
    import('../../src/tenants/ids.js'),
  ])
  const [parsed, deleteAfterAt] = [parseSlug(slug), Date.now() + graceMs]
  if (dump === undefined || (await isDumped(app, io, slug, dump))) return markDeleted(app.catalog, parsed, deleteAfterAt)
  const { dumpPath, dumpTenant } = await import('./dump.js')
  const file = dumpPath(io, dump)
  const { signal } = io
  const { events } = await app.removal(signal)
  const terms = { deleteAfterAt, events, signal, dump: (tenant: Tenant) => dumpTenant(app, io, tenant, file) }
  return markDumped(app.catalog, parsed, terms)
}

async function isDumped(app: App, io: Io, slug: string, dump: string): Promise<boolean> {
  const [{ dumpOf }, { getTenant }, { parseSlug }, { resolve }] = await Promise.all([
    import('../../src/tenants/removal/receipts.js'),
    import('../../src/tenants/tenant.js'),
    import('../../src/tenants/ids.js'),
    import('node:path'),
  ])
  const known = await dumpOf(app.catalog, await getTenant(app.catalog, parseSlug(slug)))
  return known !== null && known.file === resolve(io.cwd, dump)
}

async function removeNow(
  app: App,
  io: Io,
  slug: string,
  { dump, forgetBucket }: { readonly dump: string | undefined; readonly forgetBucket: boolean },
): Promise<void> {
  const [{ markDue, removeTenant }, { parseSlug }] = await Promise.all([
    import('../../src/tenants/removal.js'),
    import('../../src/tenants/ids.js'),
  ])
  const parsed = parseSlug(slug)
  if (dump !== undefined && !(await isDumped(app, io, slug, dump)))
    await hide(app, io, slug, { dump, graceMs: parseSpan('--grace', DEFAULT_GRACE) })
  await markDue(app.catalog, parsed)
  const parts = await app.removal(io.signal, { forgetBucket })
  const receipt = await removeTenant(app.catalog, parsed, { parts, by: 'tenant delete --now', signal: io.signal })
  io.print({ receipt }, value => removedWords(value.receipt))
}

async function removeDue(app: App, io: Io, forgetBucket: boolean): Promise<void> {
  const [{ removeDue: removeAllDue }, { forgetUnreadCalmly }] = await Promise.all([
    import('../../src/tenants/remove-due.js'),
    import('../../src/feeds/unread-sources.js'),
  ])
  const receipts: RemovalReceipt[] = []
  const bug = new FirstBug()
  const progress = io.progress('tenants')
  const { removed, failures } = await removeAllDue(app.catalog, {
    parts: await app.removal(io.signal, { forgetBucket }),
    by: 'tenant delete --due',
    signal: io.signal,
    removed: receipt => void (receipts.length < MOST_RECEIPTS && receipts.push(receipt)),
    onBug: bug.hear,
    progress: {
      begun: total => progress.start(total),
      done: done => progress.update(done),
    },
  }).finally(() => progress.stop())
  if (!io.signal.aborted) await forgetUnreadCalmly(app.catalog, app.log, io.signal)
  io.print({ removed, receipts, failures }, value => {
    const failed = value.failures.map(({ tenant, message, code }) => `  ${tenant}: ${message} (${code})`)
    const more = value.removed - value.receipts.length
    const others = more > 0 ? [`and ${counted(more, 'other')}: feedctl tenant receipt --list`] : []
    const lines = [...value.receipts.map(removedWords), ...others, ...failed]
    return lines.length === 0 ? 'no tenant is due' : lines.join('\n')
  })
  bug.throwIfMet()
  io.signal.throwIfAborted()
  if (failures.length > 0)
    throw new Failure('PARTIAL', `${counted(failures.length, 'tenant')} could not be removed`, { hint: 'the same command again' })
}

function usage(message: string): Failure {
  return new Failure('USAGE', message, { hint: 'feedctl tenant delete --help' })
}
