import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { Failure, isFailure } from '../../src/kernel/errors.js'
import type { RemovalReceipt } from '../../src/tenants/removal.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { tenantView } from './view.js'

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const DEFAULT_GRACE = '7d'

export function registerDelete(tenant: Command, io: Io): void {
  const command = tenant
    .command('delete')
    .description('hide a tenant now and remove it after a grace, or at once')
    .argument('[slug]')
    .option('--grace <time>', `how long it can still be resumed: 30m, 12h, 7d (default: ${DEFAULT_GRACE})`)
    .option('--now', 'remove it at once, with all its feeds and posts')
    .option('--due', 'remove every tenant whose grace is over')
    .action(async (slug, { grace, now, due }) => {
      if ((slug === undefined) !== (due === true) || (grace !== undefined && (now || due)) || (now && due)) {
        throw new Failure('USAGE', 'name one tenant, with --grace or --now, or pass --due alone', {
          hint: 'feedctl tenant delete --help',
        })
      }
      const graceMs = parseGrace(grace ?? DEFAULT_GRACE)
      await io.confirm(slug === undefined ? 'remove every tenant whose grace is over' : `delete tenant ${slug}`)
      await using app = await opening(io)
      if (slug === undefined) await removeDue(app, io)
      else if (now) await removeNow(app, io, slug)
      else await mark(app, io, slug, graceMs)
    })
  examples(command, [
    'feedctl tenant delete acme --yes',
    'feedctl tenant delete acme --now --yes',
    'feedctl tenant delete --due --yes',
  ])
}

async function mark(app: App, io: Io, slug: string, graceMs: number): Promise<void> {
  const [{ markDeleted }, { parseSlug }] = await Promise.all([
    import('../../src/tenants/removal.js'),
    import('../../src/tenants/ids.js'),
  ])
  const marked = await markDeleted(app.catalog, parseSlug(slug), Date.now() + graceMs)
  io.print({ tenant: tenantView(marked) }, ({ tenant }) => {
    const until = new Date(tenant.deleteAfterAt ?? 0).toISOString()
    return `tenant ${tenant.slug} is hidden; \`feedctl tenant resume ${tenant.slug}\` brings it back, \`feedctl tenant delete --due --yes\` removes it after ${until}`
  })
}

async function removeNow(app: App, io: Io, slug: string): Promise<void> {
  const [{ markDeleted, removeTenant }, { parseSlug }] = await Promise.all([
    import('../../src/tenants/removal.js'),
    import('../../src/tenants/ids.js'),
  ])
  const parsed = parseSlug(slug)
  // A removal that was begun, and whose process died, is marked as such already.
  await markDeleted(app.catalog, parsed, Date.now(), ['provisioning', 'active', 'suspended']).catch(error =>
    isFailure(error, 'TENANT_WRONG_STATE') ? null : Promise.reject(error),
  )
  const receipt = await removeTenant(app.catalog, parsed)
  io.print({ receipt }, value => receiptWords(value.receipt))
}

async function removeDue(app: App, io: Io): Promise<void> {
  const { removeTenant, tenantsToRemove } = await import('../../src/tenants/removal.js')
  const receipts: RemovalReceipt[] = []
  const failures: { tenant: string; code: string; message: string }[] = []
  for (const slug of await tenantsToRemove(app.catalog, Date.now())) {
    if (io.signal.aborted) break
    try {
      receipts.push(await removeTenant(app.catalog, slug))
    } catch (error) {
      if (!isFailure(error)) throw error
      failures.push({ tenant: slug, code: error.code, message: error.message })
    }
  }
  io.print({ receipts, failures }, value => {
    const failed = value.failures.map(failure => `  ${failure.tenant}: ${failure.message} (${failure.code})`)
    const lines = [...value.receipts.map(receiptWords), ...failed]
    return lines.length === 0 ? 'no tenant is due' : lines.join('\n')
  })
  io.signal.throwIfAborted()
  if (failures.length > 0)
    throw new Failure('PARTIAL', `${counted(failures.length, 'tenant')} could not be removed`, { hint: 'the same command again' })
}

function receiptWords(receipt: RemovalReceipt): string {
  const where = receipt.database === null ? 'its rows of a shared database' : `its database ${receipt.database}`
  return `removed tenant ${receipt.slug} (id ${receipt.id}): ${where}, ${amount(receipt.feeds, 'feed')}, ${amount(receipt.posts, 'post')}`
}

function amount(value: number | null, noun: string): string {
  return value === null ? `${noun}s nobody could count` : counted(value, noun)
}

function parseGrace(text: string): number {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (amount === undefined || unit === undefined)
    throw new Failure('USAGE', `--grace ${JSON.stringify(text)} is no time such as 30m, 12h or 7d`)
  return Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS]
}
