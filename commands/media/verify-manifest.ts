import { resolve } from 'node:path'
import type { App } from '../../src/app.js'
import { count, counted } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import type { ManifestTally } from '../../src/media/manifest/compare.js'
import type { Manifest } from '../../src/media/manifest/read.js'
import type { MediaFailure } from '../../src/media/verify/verify.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { asText, compareBucket, endOf, type VerifyFlags } from './comparing.js'
import { failureLines } from './failure-lines.js'
import { signingKey } from './manifest.js'

const FAILURES_KEPT = 1_000

/** Checks a manifest, and compares it with its tenant's journal, and that with the bucket. */
export async function verifyAgainst(app: App, io: Io, path: string, flags: VerifyFlags): Promise<void> {
  const { openManifest } = await import('../../src/media/manifest/read.js')
  await using manifest = await openManifest(resolve(io.cwd, path), signingKey(app.config), io.signal)
  const tenant = await tenantOf(app, manifest)
  const failures: MediaFailure[] = []
  const tally = await compared(app, io, manifest, tenant, failures)
  const { report, stopped } = await compareBucket(app, io, [tenant], flags)
  const { createdAt } = manifest.head
  const both = { ...report, manifest: { tenant: tenant.slug, createdAt, ...tally }, failures: [...failures, ...report.failures] }
  io.print(both, (value, style) =>
    [asText({ ...value, failures: report.failures }, style), ...manifestLines(tally, failures, style)].join('\n'),
  )
  const wrong = tally.missing + tally.differing
  io.signal.throwIfAborted()
  if (wrong > 0) {
    throw new Failure('CHECK_FAILED', `${count(wrong)} of ${counted(tally.files, 'file')} are not as the manifest says`)
  }
  endOf(io, report, stopped)
}

/** @throws {Failure} TENANT_NOT_FOUND for one of another installation, or another one of this name */
async function tenantOf(app: App, { head }: Manifest): Promise<Tenant> {
  const { tenantsNamed } = await import('../../src/media/media-tenants.js')
  const [tenant] = head.catalogId === app.catalog.id ? await tenantsNamed(app.catalog, [head.slug]) : []
  if (tenant?.id === head.tenantId) return tenant
  throw new Failure(
    'TENANT_NOT_FOUND',
    `the manifest is of another tenant ${head.slug}: number ${head.tenantId} of the installation ${head.catalogId}`,
  )
}

async function compared(app: App, io: Io, manifest: Manifest, tenant: Tenant, failures: MediaFailure[]): Promise<ManifestTally> {
  const [{ compareManifest }, { withTenant }] = await Promise.all([
    import('../../src/media/manifest/compare.js'),
    import('../../src/tenants/tables.js'),
  ])
  return compareManifest(
    manifest.files(),
    deed => withTenant(app.catalog, tenant, deed, io.signal),
    ({ name, code, message }) => {
      if (failures.length < FAILURES_KEPT) failures.push({ tenant: tenant.slug, name, code, message })
    },
  )
}

function manifestLines(
  { files, ok, missing, differing, added }: ManifestTally,
  failures: readonly MediaFailure[],
  style: Style,
): string[] {
  const bad = (value: number, words: string) => (value > 0 ? style.red(`${count(value)} ${words}`) : `0 ${words}`)
  return [
    `  manifest ${counted(files, 'file')}: ${count(ok)} ok, ${bad(missing, 'missing')}, ${bad(differing, 'differing')}, ${count(added)} newer ones in the journal`,
    ...failureLines(failures, missing + differing, style),
  ]
}
