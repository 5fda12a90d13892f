import { type Command, Option } from '@commander-js/extra-typings'
import type { AnalyticsReport, ReportRow } from '../../src/analytics/report.js'
import type { ReportGroup } from '../../src/analytics/report-query.js'
import { count, counted } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { type Column, table } from '../../src/cli/tables.js'
import { opening } from '../opening.js'
import { examples, wholeNumber } from '../program.js'

const GROUPS = ['day', 'post', 'kind', 'minute'] as const satisfies readonly ReportGroup[]

export function registerReport(analytics: Command, io: Io): void {
  const command = analytics
    .command('report')
    .description('show what was counted of a tenant')
    .argument('<slug>')
    .option('--from <day>', 'first day, UTC: 2026-11-01 (default: 29 days before the last); a time for minutes')
    .option('--to <day>', 'last day (default: today)')
    .addOption(new Option('--by <group>', 'what each line is about').choices(GROUPS).default('day' as const))
    .option('--post <id>', 'only events of this post; 0: of none', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option('--kind <kind>', 'only events of this kind')
    .option('--limit <n>', 'most posts that are shown', wholeNumber(1, 1_000), 100)
    .action(async (slug, asked) => {
      await using app = await opening(io)
      const [{ getTenant }, { parseSlug }, { withTenant }, { parseReport }, { reportOf }] = await Promise.all([
        import('../../src/tenants/tenant.js'),
        import('../../src/tenants/ids.js'),
        import('../../src/tenants/tables.js'),
        import('../../src/analytics/report-query.js'),
        import('../../src/analytics/report.js'),
      ])
      const query = parseReport(asked, Date.now())
      const tenant = await getTenant(app.catalog, parseSlug(slug))
      const report = await withTenant(app.catalog, tenant, tables => reportOf(tables, query), io.signal)
      io.print({ tenant: tenant.slug, ...report }, asText)
    })
  examples(command, [
    'feedctl analytics report acme',
    'feedctl analytics report acme --by post --from 2026-11-01 --to 2026-11-30 --limit 10',
    'feedctl analytics report acme --by kind --post 7 --json',
    'feedctl analytics report acme --by minute --from 2026-11-29T08:00Z',
  ])
}

function asText(report: AnalyticsReport & { readonly tenant: string }, style: Style): string {
  const { tenant, from, to, by, rows, total } = report
  const events = counted(total.events, 'event')
  const visitors = total.visitors === null ? '' : `, ${counted(total.visitors, 'visitor')}`
  const head = `${style.bold(tenant)} ${from} to ${to}: ${events}${visitors}`
  // A line for every minute of a day would hide those that have something.
  const shown = by === 'minute' ? rows.filter(row => row.events > 0) : rows
  if (shown.length === 0) return head
  const note =
    total.visitors === null ? [] : [style.dim(`visitors are estimated, ±${report.visitors_error_percent} % (standard error)`)]
  return [head, table(shown, columnsOf(by), style).trimEnd(), ...note].join('\n')
}

function columnsOf(by: ReportGroup): Column<ReportRow>[] {
  const figures: Column<ReportRow>[] = [
    { title: 'EVENTS', cell: row => count(row.events), right: true },
    ...(by === 'minute' ? [] : [{ title: 'VISITORS', cell: (row: ReportRow) => count(row.visitors ?? 0), right: true }]),
  ]
  if (by === 'post') {
    return [
      { title: 'POST', cell: row => row.post_id ?? null },
      ...figures,
      { title: 'TITLE', cell: row => (row.post_id === 0 ? '(no post)' : (row.title ?? '(gone)')) },
    ]
  }
  return [{ title: by.toUpperCase(), cell: row => row[by] ?? null }, ...figures]
}
