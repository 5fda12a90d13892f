import { count, counted, duration } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import type { CheckReport } from '../../src/tenants/migrating/check.js'
import type { MigrationPlan } from '../../src/tenants/migrating/plan.js'
import type { MigrationReport } from '../../src/tenants/migrating/report.js'
import type { Standing } from '../../src/tenants/migrating/standing.js'

const SHOWN = 20
const STOPPED = {
  canary: 'stopped: a canary failed',
  failures: 'stopped: too many failed (--max-failures)',
  signal: 'stopped by a signal',
} as const

export function reportWords(report: MigrationReport, style: Style): string {
  const { tenants, databases, failures, placements, stopped } = report
  if (databases.migrated + databases.failed + databases.notTried === 0 && stopped === null)
    return [
      `${counted(databases.upToDate, 'database')} of ${counted(tenants.upToDate, 'tenant')} up to date, schema ${report.to}, in ${duration(report.durationMs)}`,
      ...aheadLine(databases.ahead),
    ].join('\n')
  const slowest = [...placements].toSorted((a, b) => b.durationMs - a.durationMs)[0]
  return [
    `${style.bold('migrated')} ${counted(databases.migrated, 'database')} of ${counted(tenants.migrated, 'tenant')} to schema ${report.to} in ${duration(report.durationMs)}`,
    `  ${counted(databases.upToDate, 'database')} up to date before, ${failedWords(databases.failed, style)}, ${count(databases.notTried)} not tried`,
    ...(slowest === undefined ? [] : [`  slowest: ${nameOf(slowest)}, ${duration(slowest.durationMs)}`]),
    ...aheadLine(databases.ahead),
    ...(stopped === null ? [] : [style.red(`  ${STOPPED[stopped]}`)]),
    ...failures.slice(0, SHOWN).map(failure => `  ${nameOf(failure)}: ${failure.message} ${style.dim(`(${failure.code})`)}`),
    ...moreLine(databases.failed),
  ].join('\n')
}

export function planWords(plan: MigrationPlan, style: Style): string {
  const first = plan.canaries.slice(0, SHOWN).map(nameOf).join(', ')
  const steps = plan.steps.flatMap(({ version, statements }) => [
    `  schema ${version}`,
    ...statements.map(statement => `    ${statement}`),
  ])
  return [
    `would migrate ${style.bold(counted(plan.databases.behind, 'database'))} of ${counted(plan.tenants.behind, 'tenant')} to schema ${plan.latest}; ${counted(plan.databases.current, 'database')} up to date`,
    ...aheadLine(plan.databases.ahead),
    ...(plan.databases.behind === 0 ? [] : [versionsTable(plan, style).trimEnd()]),
    ...(first === '' ? [] : [`canaries: ${first}${plan.canaries.length > SHOWN ? ', ...' : ''}`]),
    ...(steps.length === 0 ? [] : ['statements', ...steps]),
  ].join('\n')
}

export function checkWords(report: CheckReport, style: Style): string {
  const { databases, drift } = report
  const verdict =
    databases.behind + databases.ahead === 0
      ? `${style.green('all')} ${counted(databases.total, 'database')} of ${counted(report.tenants.total, 'tenant')} have schema ${report.latest}`
      : `${count(databases.current)} of ${counted(databases.total, 'database')} have schema ${report.latest}, ${count(databases.behind)} are behind, ${count(databases.ahead)} ahead`
  return [
    verdict,
    ...(databases.behind + databases.ahead === 0 ? [] : [versionsTable(report, style).trimEnd()]),
    ...(drift === null ? [] : [`drift: ${counted(drift.checked, 'database')} compared, ${count(drift.drifted)} differ`]),
    ...(drift?.notCompared ?? []).map(
      ({ host, code, message, databases: many }) =>
        `  ${counted(many, 'database')} on ${host} not compared: ${message} ${style.dim(`(${code})`)}`,
    ),
    ...(drift?.databases ?? [])
      .slice(0, SHOWN)
      .flatMap(found => [`  ${nameOf(found)}`, ...found.differences.map(difference => `    ${difference}`)]),
    ...moreLine(drift?.drifted ?? 0),
  ].join('\n')
}

function versionsTable({ versions }: Standing, style: Style): string {
  return table(
    versions,
    [
      { title: 'SCHEMA', cell: row => row.version },
      { title: 'DATABASES', cell: row => row.databases },
      { title: 'TENANTS', cell: row => row.tenants },
    ],
    style,
  )
}

function nameOf({ host, database, tenant }: { host: string; database: string; tenant: string | null }): string {
  return tenant ?? `${database}${host === 'default' ? '' : ` on ${host}`}`
}

function failedWords(failed: number, style: Style): string {
  return failed > 0 ? style.red(`${count(failed)} failed`) : '0 failed'
}

function aheadLine(ahead: number): string[] {
  return ahead > 0 ? [`  ${counted(ahead, 'database')} ahead: a later feedctl migrated them, upgrade this one`] : []
}

function moreLine(total: number): string[] {
  return total > SHOWN ? [`  and ${count(total - SHOWN)} more: --json lists them`] : []
}
