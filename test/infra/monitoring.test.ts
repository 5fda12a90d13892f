import { spawnSync } from 'node:child_process'
import { basename, dirname } from 'node:path'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { showReads } from '../../src/api/reads-metrics.js'
import { dashboard } from '../../src/infra/monitoring/dashboard.js'
import { Log } from '../../src/kernel/log.js'
import { serveMetrics } from '../../src/watch/metrics.js'
import type { Overview } from '../../src/watch/overview.js'
import { ApiGround, ask } from '../api/ground.js'
import { temporaryFolder } from '../support/folders.js'
import { findProgram } from '../support/server.js'
import { described, fileOf, put, scaleOf } from './ground.js'

/** Told by others than feedctl: the exporters that may be there, Prometheus itself, and the backup. */
const OTHERS = [
  'up',
  'feedctl_backup_last_success_timestamp_seconds',
  'feedctl_backup_verified_timestamp_seconds',
  'mysql_global_status_threads_connected',
  'mysql_global_variables_max_connections',
  'mysql_up',
  'node_filesystem_avail_bytes',
  'node_filesystem_size_bytes',
  'redis_memory_max_bytes',
  'redis_memory_used_bytes',
  'redis_up',
]
const WITH_REPLICA = {
  scale: { database: { replica: { address: '10.0.0.21' } }, monitoring: { alertmanager: '10.0.0.41:9093' } },
}

function promtool(...args: readonly string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(findProgram(['promtool'], 'prometheus'), args, { encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}` }
}

const textOf = (value: object, end: string) => fileOf(scaleOf(described(value)), 'monitoring', end).text

/** Names in the expressions: what stands before labels or a range, or alone between words of the language. */
function metricsIn(expressions: readonly string[]): string[] {
  const names = expressions.flatMap(
    expr => expr.replaceAll(/"[^"]*"/g, '').match(/\b(feedctl|node|mysql|redis|up)(_[a-z_]+)?\b/g) ?? [],
  )
  return [...new Set(names)].sort()
}

test('the settings and rules are what promtool understands, and each rule fires on the day that it is for, and not when all is well', () => {
  for (const value of [
    {},
    WITH_REPLICA,
    { settings: { FEEDCTL_ALERT_NO_SYNC_S: 0 }, scale: { monitoring: { exporters: { node: null, mysql: null, redis: null } } } },
  ]) {
    const folder = temporaryFolder()
    const files = scaleOf(described(value)).filter(({ destination }) => destination?.startsWith('/etc/prometheus/'))
    const paths = Object.fromEntries(files.map(file => [basename(file.path), put(folder, file)]))
    expect(promtool('check', 'config', paths['prometheus.yml'] ?? '')).toMatchObject({ status: 0 })
    if (value !== WITH_REPLICA) continue
    const tested = promtool('test', 'rules', paths['feedctl-rules.test.yml'] ?? '')
    expect([tested.status, tested.said]).toEqual([0, expect.stringContaining('SUCCESS')])
    expect(dirname(paths['feedctl-rules.yml'] ?? '')).toBe(dirname(paths['prometheus.yml'] ?? ''))
  }
})

test('every rule of feedctl has a day in the tests of the rules', () => {
  const { tests } = parse(textOf({}, 'feedctl-rules.test.yml')) as {
    tests: { name: string; alert_rule_test: { alertname: string }[] }[]
  }
  const rules = parse(textOf({}, 'feedctl-rules.yml')) as { groups: { rules: { alert: string }[] }[] }
  const days = tests.slice(1, -1).map(one => one.alert_rule_test[0]?.alertname)
  expect(days.sort()).toEqual(rules.groups[0]?.rules.map(({ alert }) => alert).sort())
})

test('the limits are those that feedctl itself alerts by', () => {
  const text = textOf({ settings: { FEEDCTL_ALERT_NO_SYNC_S: 1234, FEEDCTL_ALERT_WAIT_S: 77 } }, 'feedctl-rules.yml')
  expect(text).toContain('feedctl_sync_last_success_timestamp_seconds) > 1234')
  expect(text).toContain('> bool 77)')
})

test('what feedctl is told never to alert of has no rule', () => {
  const never = { FEEDCTL_ALERT_NO_SYNC_S: 0, FEEDCTL_ALERT_WAIT_S: 0, FEEDCTL_ALERT_FAILURES_PERCENT: 0 }
  const text = textOf({ settings: never }, 'feedctl-rules.yml')
  expect(text.match(/alert: Feedctl(NoSync|SyncLag|QueueWaits|JobsFail)/g)).toBeNull()
  expect(text).toContain('alert: FeedctlQueueNotConsumed')
})

test('machines are read where they are, by their roles', () => {
  const { scrape_configs: jobs } = parse(textOf(WITH_REPLICA, 'prometheus.yml')) as {
    scrape_configs: { job_name: string; static_configs: { targets: string[]; labels: { machine: string } }[] }[]
  }
  const targets = Object.fromEntries(jobs.map(job => [job.job_name, job.static_configs.flatMap(config => config.targets)]))
  expect(targets).toMatchObject({
    'feedctl-api': ['10.0.0.11:8080', '10.0.0.12:8080', '10.0.0.13:8080'],
    'feedctl-supervisor': ['10.0.0.11:9464', '10.0.0.12:9464', '10.0.0.13:9464'],
    mysql: ['10.0.0.20:9104', '10.0.0.21:9104'],
  })
  expect(targets.node).toHaveLength(8)
})

test('every figure in rules and dashboard is one that a running feedctl shows', async () => {
  await using ground = await ApiGround.create()
  const api = (await ask(ground.api.url, '/metrics')).body.toString()
  const supervisor = await serveMetrics('127.0.0.1:0', () => Promise.reject<Overview>(new Error('away')), new Log(() => {}))
  const watch = await fetch(`http://${supervisor.address}/metrics`).then(answer => answer.text())
  await supervisor.close()
  // An installation without a replica does not show how far one is behind.
  const registry = new Registry()
  showReads(registry, { counts: { primary: 0, replica: 0 } }, { behind: () => [] })
  const replicas = await registry.metrics()
  const shown = [...`${api}\n${watch}\n${replicas}`.matchAll(/^# TYPE (\w+) (\w+)/gm)].flatMap(([, name, type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
  )
  const rules = parse(textOf(WITH_REPLICA, 'feedctl-rules.yml')) as { groups: { rules: { expr: string }[] }[] }
  const panels = (dashboard() as { panels: { targets?: { expr: string }[] }[] }).panels.flatMap(panel => panel.targets ?? [])
  const used = [rules.groups.flatMap(group => group.rules.map(({ expr }) => expr)), panels.map(({ expr }) => expr)].map(metricsIn)
  expect(used.map(names => names.length > 15)).toEqual([true, true])
  expect(used.flat().filter(name => !shown.includes(name) && !OTHERS.includes(name))).toEqual([])
})

test('the dashboard has panels that do not overlap, each with expressions that Prometheus reads', () => {
  const { panels } = dashboard() as {
    panels: { id: number; type: string; gridPos: { x: number; y: number; w: number; h: number }; targets?: { expr: string }[] }[]
  }
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
  expect(cells.every(cell => Number(cell.split(',')[0]) < 24)).toBe(true)
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m')))
  expect(expressions.length).toBeGreaterThan(20)
  const rules = expressions.map((expr, index) => ({ record: `panel:${index}`, expr }))
  const path = put(temporaryFolder(), {
    ...fileOf(scaleOf(described({})), 'monitoring', 'feedctl-rules.yml'),
    text: JSON.stringify({ groups: [{ name: 'panels', rules }] }),
  })
  expect(promtool('check', 'rules', path)).toMatchObject({ status: 0 })
})
