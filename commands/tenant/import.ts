import { createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted, duration } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { Failure, isFailure, wordsOf } from '../../src/kernel/errors.js'
import { spooled } from '../../src/kernel/spool.js'
import type { ImportParts, ImportWish } from '../../src/tenants/transfer/import.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { totalOf } from './export.js'
import { placementWords, tenantView } from './view.js'

interface ImportFlags {
  as?: string
  name?: string
  placement?: string
  host?: string
}

export function registerImport(tenant: Command, io: Io): void {
  const command = tenant
    .command('import')
    .description('make a tenant from a file of `feedctl tenant export`: all of it, or nothing')
    .argument('<file>', 'the file; - for stdin')
    .option('--as <slug>', 'slug of the tenant (default: as it was)')
    .option('--name <name>', 'what people call it (default: as it was)')
    .option('--placement <kind>', 'dedicated or shared (default: FEEDCTL_PLACEMENT)')
    .option('--host <name>', 'database host (default: where there is room)')
    .action((file, flags) => importOne(io, file, flags))
  examples(command, [
    'feedctl tenant import acme.tenant.gz',
    'feedctl tenant import acme.tenant.gz --as acme-2 --placement shared',
    'ssh backup "cat acme.tenant.gz" | feedctl tenant import -',
  ])
}

async function importOne(io: Io, file: string, flags: ImportFlags): Promise<void> {
  const begun = performance.now()
  const path = file === '-' ? null : resolve(io.cwd, file)
  if (path !== null) await access(path).catch(error => Promise.reject(unreadable(path, error)))
  await using app = await opening(io)
  await using spool = path === null ? await spooled(io.stdin(), app.config.data) : null
  const from = path ?? spool?.path ?? ''
  const { importTenant } = await import('../../src/tenants/transfer/import.js')
  const progress = io.progress('rows')
  let started = false
  const wish = await wishOf(app, from, flags)
  const imported = await importTenant(app.catalog, wish, await partsOf(app), {
    signal: io.signal,
    progress: (rows, total) => {
      if (!started) progress.start(total)
      started = true
      progress.update(rows)
    },
  }).catch(error => Promise.reject(unreadable(from, error)))
  progress.stop()
  const { tenant, token, from: origin, rows, media } = imported
  const result = {
    tenant: tenantView(tenant),
    token,
    from: origin,
    rows,
    media,
    durationMs: Math.round(performance.now() - begun),
  }
  io.print(result, (value, style) =>
    [
      `${style.green('made')} tenant ${style.bold(tenant.slug)} (${placementWords(tenant)}) of ${counted(totalOf(value.rows), 'row')} in ${duration(value.durationMs)}`,
      ...(media.files > 0
        ? [
            `${counted(media.files, 'media file')} did not come with it; ${counted(media.fetchedAgain, 'link')} will be fetched again`,
          ]
        : []),
      `API token, shown once: ${value.token}`,
    ].join('\n'),
  )
}

async function wishOf(app: App, path: string, flags: ImportFlags): Promise<ImportWish> {
  const { parseSlug, parseTenantName } = await import('../../src/tenants/ids.js')
  const placement = flags.placement ?? app.config.placement
  if (placement !== 'dedicated' && placement !== 'shared')
    throw new Failure('USAGE', `placement ${JSON.stringify(placement)} is not dedicated or shared`, {
      hint: '--placement dedicated',
    })
  return {
    open: () => createReadStream(path),
    slug: flags.as === undefined ? null : parseSlug(flags.as),
    name: flags.name === undefined ? null : parseTenantName(flags.name),
    placement,
    host: flags.host ?? null,
  }
}

async function partsOf(app: App): Promise<ImportParts> {
  const [{ sourcesOfRestored }, { sourceUrl }, { sanitise }, { isMediaName }] = await Promise.all([
    import('../../src/feeds/restored-sources.js'),
    import('../../src/feeds/urls.js'),
    import('../../src/feeds/parse/sanitise.js'),
    import('../../src/media/names.js'),
  ])
  return {
    prefix: app.config.databasePrefix,
    sourcesOf: urls => sourcesOfRestored(app.catalog, urls),
    isFeedUrl: url => sourceUrl(url) === url,
    isMediaName,
    // Every URL in it is absolute already.
    cleanContent: html => sanitise(html, 'https://invalid.invalid/'),
  }
}

function unreadable(path: string, error: unknown): unknown {
  if (isFailure(error) || !(error instanceof Error) || !('syscall' in error)) return error
  return new Failure('FILE_UNREADABLE', `cannot read ${path}: ${wordsOf(error)}`, {
    cause: error,
    hint: 'feedctl tenant import with the path of a file that `feedctl tenant export` has made',
  })
}
