import type { App } from '../../src/app.js'
import { duration } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { Failure, FirstBug } from '../../src/kernel/errors.js'
import type { BulkReport } from '../../src/tenants/bulk-creation.js'
import type { NewTenant } from '../../src/tenants/claim.js'
import { type TenantLine, TenantsCsv, wishesOfLine } from './csv.js'
import { type CreateOptions, newTenant, wishesOf } from './new-tenant.js'

const NAMED_FAILURES = 20

interface Wanted extends NewTenant {
  readonly line: TenantLine | null
}

/** Tenants to come, none of them in memory yet. */
interface Source {
  readonly tenants: number
  readonly hasFeeds: boolean
  readonly lines: () => Iterable<TenantLine> | AsyncIterable<TenantLine>
}

/** Creates the tenants of a file, or so many: first all that is wanted is looked at, then it is made, a few hundred at a time in memory. */
export async function createMany(app: App, io: Io, options: CreateOptions): Promise<void> {
  const begun = performance.now()
  const [{ createTenants }, { addFeeds }] = await Promise.all([
    import('../../src/tenants/provision.js'),
    import('../../src/feeds/subscriptions.js'),
  ])
  const common = await wishesOf(options, io)
  const { tenants, hasFeeds, lines } = await sourceOf(app, io, options)
  const { catalog, config } = app
  const furnish = async (tenant: Parameters<typeof addFeeds>[1], { line }: Wanted) =>
    addFeeds(catalog, tenant, [...common, ...(line === null ? [] : await wishesOfLine(line))], { maxFeeds: config.maxFeeds })
  const bug = new FirstBug()
  const progress = io.progress('tenants')
  progress.start(tenants)
  try {
    const report = await createTenants(catalog, config.databasePrefix, wantedOf(app, lines(), options), {
      signal: io.signal,
      progress: done => progress.update(done),
      onBug: bug.hear,
      ...(hasFeeds || common.length > 0 ? { furnish } : {}),
    })
    progress.stop()
    io.print({ ...report, durationMs: Math.round(performance.now() - begun) }, bulkWords)
    bug.throwIfMet()
    if (report.tenants.failed === 0) return
    throw new Failure('PARTIAL', `${report.tenants.failed} of ${report.tenants.total} tenants failed`, {
      hint: 'the same command again',
    })
  } finally {
    progress.stop()
  }
}

async function* wantedOf(
  app: App,
  lines: Iterable<TenantLine> | AsyncIterable<TenantLine>,
  options: CreateOptions,
): AsyncGenerator<Wanted> {
  for await (const line of lines) yield { ...newTenant(app, line, options), line }
}

/** Nothing is made when anything of it is wrong. @throws {Failure} CSV_INVALID, SLUG_INVALID, USAGE, HOST_NOT_FOUND */
async function sourceOf(app: App, io: Io, options: CreateOptions): Promise<Source> {
  if (options.from === undefined) {
    const [first] = countedLines(options)
    if (first !== undefined) newTenant(app, first, options)
    return { tenants: options.count ?? 0, hasFeeds: false, lines: () => countedLines(options) }
  }
  const { getHost, refuseRegion } = await import('../../src/tenants/hosts/rows.js')
  const csv = new TenantsCsv(options.from, io)
  const { kysely } = app.catalog
  const { tenants, hasFeeds } = await csv.check({
    host: name => getHost(kysely, name),
    region: name => refuseRegion(kysely, name),
  })
  return { tenants, hasFeeds, lines: () => csv.lines() }
}

function* countedLines({ count = 0, prefix = 'p' }: CreateOptions): Generator<TenantLine> {
  const digits = Math.max(4, String(count).length)
  for (let number = 1; number <= count; number++) {
    const slug = `${prefix}${String(number).padStart(digits, '0')}`
    yield { slug, name: slug, placement: null, host: null, region: null, opml: null }
  }
}

function bulkWords({ tenants, failures, durationMs }: BulkReport & { durationMs: number }): string {
  const { total, created, existing, failed } = tenants
  const named = failures.slice(0, NAMED_FAILURES)
  return [
    `${created} of ${total} tenants created, ${existing} existed, ${failed} failed, in ${duration(durationMs)}`,
    ...named.map(failure => `  ${failure.slug}: ${failure.message} (${failure.code})`),
    ...(failed > named.length ? [`  and ${failed - named.length} more`] : []),
  ].join('\n')
}
