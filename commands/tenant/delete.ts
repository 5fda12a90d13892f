import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { bytes, count, counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { Failure, isFailure } from '../../src/kernel/errors.js'
import type { RemoveMediaParts } from '../../src/media/remove-tenant.js'
import type { RemovalReceipt } from '../../src/tenants/removal.js'
import type { Tenant } from '../../src/tenants/tenant.js'
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
    .option('--now', 'remove it at once, with all its feeds, posts and media')
    .option('--due', 'remove every tenant whose grace is over')
    .option('--forget-bucket', 'with --now or --due: leave in the bucket what is there, and do not ask it')
    .action(async (slug, { grace, now, due, forgetBucket }) => {
      if ((slug === undefined) !== (due === true) || (grace !== undefined && (now || due)) || (now && due)) {
        throw new Failure('USAGE', 'name one tenant, with --grace or --now, or pass --due alone', {
          hint: 'feedctl tenant delete --help',
        })
      }
      if (forgetBucket && !now && !due) {
        throw new Failure('USAGE', '--forget-bucket goes with --now or --due', { hint: 'feedctl tenant delete --help' })
      }
      const graceMs = parseGrace(grace ?? DEFAULT_GRACE)
      await io.confirm(slug === undefined ? 'remove every tenant whose grace is over' : `delete tenant ${slug}`)
      await using app = await opening(io)
      if (slug === undefined) await removeDue(app, io, forgetBucket === true)
      else if (now) await removeNow(app, io, slug, forgetBucket === true)
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

async function removeNow(app: App, io: Io, slug: string, forgetBucket: boolean): Promise<void> {
  const [{ markDeleted, removeTenant }, { parseSlug }, { removeTenantMedia }] = await Promise.all([
    import('../../src/tenants/removal.js'),
    import('../../src/tenants/ids.js'),
    import('../../src/media/remove-tenant.js'),
  ])
  const parsed = parseSlug(slug)
  // A removal that was begun, and whose process died, is marked as such already.
  await markDeleted(app.catalog, parsed, Date.now(), ['provisioning', 'active', 'suspended']).catch(error =>
    isFailure(error, 'TENANT_WRONG_STATE') ? null : Promise.reject(error),
  )
  const receipt = await removeTenant(app.catalog, parsed, tenant =>
    removeTenantMedia(partsOf(app, forgetBucket), tenant, io.signal),
  )
  io.print({ receipt }, value => receiptWords(value.receipt))
}

async function removeDue(app: App, io: Io, forgetBucket: boolean): Promise<void> {
  const [{ removeDue: removeAllDue }, { removeTenantMedia }] = await Promise.all([
    import('../../src/tenants/remove-due.js'),
    import('../../src/media/remove-tenant.js'),
  ])
  const removeMedia = (tenant: Tenant) => removeTenantMedia(partsOf(app, forgetBucket), tenant, io.signal)
  const { receipts, failures } = await removeAllDue(app.catalog, removeMedia, io.signal)
  io.print({ receipts, failures }, value => {
    const failed = value.failures.map(failure => `  ${failure.tenant}: ${failure.message} (${failure.code})`)
    const lines = [...value.receipts.map(receiptWords), ...failed]
    return lines.length === 0 ? 'no tenant is due' : lines.join('\n')
  })
  io.signal.throwIfAborted()
  if (failures.length > 0)
    throw new Failure('PARTIAL', `${counted(failures.length, 'tenant')} could not be removed`, { hint: 'the same command again' })
}

function partsOf(app: App, forgetBucket: boolean): RemoveMediaParts {
  return { catalog: app.catalog, disks: () => app.disks(), forgetBucket }
}

function receiptWords(receipt: RemovalReceipt): string {
  const { files, bytes: size, localFiles, bucketObjects, bucketForgotten } = receipt.media
  const places = [
    ...(localFiles > 0 ? [`${count(localFiles)} local`] : []),
    ...(bucketObjects > 0 ? [`${count(bucketObjects)} in the bucket`] : []),
  ]
  const gone = places.length > 0 ? `: ${places.join(', ')} removed` : ''
  const left = bucketForgotten === 0 ? '' : `; ${amount(bucketForgotten, 'file')} in the bucket left there`
  const removed = gone + left
  const media =
    files === 0 && removed === '' ? '' : `, ${amount(files, 'media file')}${size === null ? '' : ` (${bytes(size)})`}${removed}`
  const where = receipt.database === null ? 'its rows of a shared database' : `its database ${receipt.database}`
  return `removed tenant ${receipt.slug} (id ${receipt.id}): ${where}, ${amount(receipt.feeds, 'feed')}, ${amount(receipt.posts, 'post')}${media}`
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
