import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import { bytes, counted, duration } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { readVersion } from '../../src/cli/version.js'
import { showControls } from '../../src/cli/width.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'

export function registerExport(tenant: Command, io: Io): void {
  const command = tenant
    .command('export')
    .description('write all that a tenant has to one file, for `feedctl tenant import`')
    .argument('<slug>')
    .requiredOption('--out <file>', 'write it there, whole or not at all; - for stdout')
    .action((slug, { out }) => exportOne(io, slug, out))
  examples(command, [
    'feedctl tenant export acme --out acme.tenant.gz',
    'feedctl tenant export acme --out - | ssh backup "cat > acme.tenant.gz"',
    'feedctl tenant export acme --out - | zcat | head -1',
  ])
}

async function exportOne(io: Io, slug: string, out: string): Promise<void> {
  const begun = performance.now()
  const stdout = out === '-' ? io.bytesOut() : null
  const path = resolve(io.cwd, out)
  const replace = stdout === null && existsSync(path)
  if (replace) await io.confirm(`replace ${path}`)
  await using app = await opening(io)
  const [{ exportTenant }, { exportTenantToFile }, { getTenant }, { parseSlug }] = await Promise.all([
    import('../../src/tenants/transfer/export.js'),
    import('../../src/tenants/transfer/export-file.js'),
    import('../../src/tenants/tenant.js'),
    import('../../src/tenants/ids.js'),
  ])
  const tenant = await getTenant(app.catalog, parseSlug(slug))
  const progress = io.progress('rows')
  progress.start(0)
  const options = { signal: io.signal, version: readVersion(), progress: (rows: number) => progress.update(rows) }
  if (stdout !== null) {
    const { rows } = await exportTenant(app.catalog, tenant, stdout, options)
    progress.stop()
    return io.note(`tenant ${tenant.slug}: ${counted(totalOf(rows), 'row')}`)
  }
  const exported = await exportTenantToFile(app.catalog, tenant, path, { ...options, replace })
  progress.stop()
  const result = { tenant: tenant.slug, out: path, ...exported, durationMs: Math.round(performance.now() - begun) }
  io.print(result, ({ rows, bytes: size, sha256, durationMs }) =>
    [
      `${showControls(path)}: ${counted(totalOf(rows), 'row')} of tenant ${tenant.slug} in ${bytes(size)}, in ${duration(durationMs)}`,
      `sha256 ${sha256}`,
    ].join('\n'),
  )
}

export function totalOf(rows: Readonly<Record<string, number>>): number {
  return Object.values(rows).reduce((sum, count) => sum + count, 0)
}
