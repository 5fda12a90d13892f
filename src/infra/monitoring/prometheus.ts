import { stringify } from 'yaml'
import { hostPort } from '../description/kinds.js'
import type { AppHost } from '../description/scale.js'
import type { Deployment } from '../description/schema.js'
import { MARK, onMachine, type RenderedFile } from '../files.js'
import { dashboard } from './dashboard.js'
import { limitsOf } from './limits.js'
import { ruleTests } from './rule-tests.js'
import { feedctlRules, groundRules } from './rules.js'

const RULES = 'feedctl-rules.yml'
/** Of Grafana's own folder of what it reads when it starts. */
const PROVISIONING = '/etc/grafana/provisioning'
export const DATASOURCE_UID = 'feedctl-prometheus'

/** Prometheus and Grafana on the machine that watches the others. */
export function monitoringFiles(deployment: Deployment): RenderedFile[] {
  const { monitoring } = deployment.scale
  const here = (destination: string, about: string, text: string) => onMachine('monitoring', destination, about, text)
  const config = (name: string) => `${monitoring.config}/${name}`
  return [
    here(config('prometheus.yml'), 'what Prometheus reads, and from where', asYaml(scraping(deployment))),
    here(config(RULES), 'when somebody is told', asYaml(rulesOf(deployment))),
    here(
      config('feedctl-rules.test.yml'),
      'tests of these rules, for `promtool test rules`',
      asYaml(ruleTests(RULES, limitsOf(deployment))),
    ),
    here(`${PROVISIONING}/datasources/feedctl.yml`, 'where Grafana finds Prometheus', asYaml(datasource(monitoring.port))),
    here(`${PROVISIONING}/dashboards/feedctl.yml`, 'where Grafana finds the dashboard', asYaml(provider(monitoring.dashboards))),
    here(`${monitoring.dashboards}/feedctl.json`, 'the dashboard', `${JSON.stringify(dashboard(), null, 2)}\n`),
  ]
}

export function asYaml(value: unknown): string {
  return `${MARK}\n${stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })}`
}

function scraping(deployment: Deployment): object {
  const { app, monitoring } = deployment.scale
  const told = monitoring.alertmanager
  return {
    global: {
      scrape_interval: `${monitoring.scrape_s}s`,
      evaluation_interval: `${monitoring.scrape_s}s`,
      external_labels: { installation: deployment.name },
    },
    rule_files: [RULES],
    ...(told === null ? {} : { alerting: { alertmanagers: [{ static_configs: [{ targets: [told] }] }] } }),
    scrape_configs: [
      job(
        'feedctl-api',
        targets(app.hosts, 'api', host => host.port),
      ),
      // Each tells of the whole installation; of several, rules take the most that one says.
      job(
        'feedctl-supervisor',
        targets(app.hosts, 'workers', host => host.metrics_port),
      ),
      ...exporterJobs(deployment),
    ],
  }
}

function targets(hosts: readonly AppHost[], role: AppHost['roles'][number], portOf: (host: AppHost) => number): object[] {
  return hosts
    .filter(host => host.roles.includes(role))
    .map(host => ({ targets: [hostPort(host.address, portOf(host))], labels: { machine: host.name } }))
}

type Place = readonly [machine: string, address: string]

function exporterJobs({ scale }: Deployment): object[] {
  const { node, mysql, redis } = scale.monitoring.exporters
  const replica = scale.database.replica
  const databases: Place[] = [
    ['database', scale.database.address],
    ...(replica === null ? [] : [['replica', replica.address] as const]),
  ]
  const others: Place[] = [
    ['balancer', scale.balancer.address],
    ...databases,
    ['redis', scale.redis.address],
    ['monitoring', scale.monitoring.address],
  ]
  const machines: Place[] = [...scale.app.hosts.map(host => [host.name, host.address] as const), ...others]
  const at = (places: readonly Place[], port: number) =>
    places.map(([machine, address]) => ({ targets: [hostPort(address, port)], labels: { machine } }))
  return [
    ...(node === null ? [] : [job('node', at(machines, node))]),
    ...(mysql === null ? [] : [job('mysql', at(databases, mysql))]),
    ...(redis === null ? [] : [job('redis', at([['redis', scale.redis.address]], redis))]),
  ]
}

function job(name: string, configs: readonly object[]): object {
  return { job_name: name, static_configs: configs }
}

function rulesOf(deployment: Deployment): object {
  const { database, monitoring } = deployment.scale
  const { node, mysql, redis } = monitoring.exporters
  const limits = limitsOf(deployment)
  const watched = { replica: database.replica !== null, node: node !== null, mysql: mysql !== null, redis: redis !== null }
  return {
    groups: [
      { name: 'feedctl', rules: feedctlRules(limits) },
      // The age of the backup is told by the node exporter of the database's machine.
      { name: 'feedctl-ground', rules: groundRules(limits, { ...watched, backup: watched.node }) },
    ],
  }
}

function datasource(port: number): object {
  const prometheus = {
    name: 'feedctl',
    uid: DATASOURCE_UID,
    type: 'prometheus',
    access: 'proxy',
    url: `http://127.0.0.1:${port}`,
  }
  return { apiVersion: 1, datasources: [{ ...prometheus, isDefault: true, editable: false }] }
}

function provider(folder: string): object {
  const feedctl = { name: 'feedctl', orgId: 1, folder: 'feedctl', type: 'file', disableDeletion: true, allowUiUpdates: false }
  return { apiVersion: 1, providers: [{ ...feedctl, options: { path: folder, foldersFromFilesStructure: false } }] }
}
