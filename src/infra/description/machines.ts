import { SETTINGS } from '../../kernel/settings.js'
import { parsePattern } from '../../schedule/pattern.js'
import { apiRate } from '../edge.js'
import type { Deployment } from './schema.js'

const DAY_MIN = 1_440
/** A dump under way fails when a database is dropped, as the removal of tenants does. */
const BEFORE_PRUNING_MIN = 120

/** Folders of the other machines. */
const TAKEN = ['balancer', 'database', 'replica', 'redis', 'monitoring', 'operator']

/** What contradicts itself in a description whose values are each well; empty when nothing does. */
export function faultsInMachines(deployment: Deployment): string[] {
  const { scale, names, media } = deployment
  const { app, balancer } = scale
  const twice = (values: readonly string[]) => [...new Set(values.filter((value, index) => values.indexOf(value) !== index))]
  const places = app.hosts.flatMap(host => [`${host.address}:${host.port}`, `${host.address}:${host.metrics_port}`])
  const lacking = (['api', 'workers', 'scheduler'] as const).filter(role => !app.hosts.some(host => host.roles.includes(role)))
  return [
    ...twice(app.hosts.map(host => host.name)).map(name => `scale.app.hosts has ${name} twice`),
    ...app.hosts
      .filter(host => TAKEN.includes(host.name))
      .map(({ name }) => `scale.app.hosts has ${name}, which is the name of another machine`),
    ...twice(places).map(place => `scale.app.hosts has ${place} twice`),
    ...lacking.map(role => `scale.app.hosts has no host with the role ${role}`),
    ...(app.workers.min > app.workers.max ? ['scale.app.workers.min is above max'] : []),
    ...(balancer.http_port === balancer.https_port && balancer.tls !== null
      ? ['scale.balancer has one port for http and https']
      : []),
    ...faultsInEdge(deployment),
    ...(names.media === names.api ? ['names.media and names.api are the same'] : []),
    ...(names.media !== null && media === null
      ? ['names.media is set, but media is null: without a bucket it must be null too']
      : []),
    ...faultsInBackup(deployment),
  ]
}

function faultsInEdge(deployment: Deployment): string[] {
  const { client_rate: rate, front, tls } = deployment.scale.balancer
  const allowed = apiRate(deployment)
  return [
    ...(tls === null && front.length === 0
      ? ['scale.balancer.tls is null, but nobody is in scale.balancer.front to end TLS']
      : []),
    ...(tls !== null && front.length > 0 ? ['scale.balancer.front is for tls: null only'] : []),
    ...(rate !== null && rate < allowed
      ? [`scale.balancer.client_rate is below ${SETTINGS.apiRate.env} (${allowed}), which one client may use`]
      : []),
  ]
}

function faultsInBackup({ settings, scale }: Deployment): string[] {
  const { env, default: usual, schema } = SETTINGS.pruneAt
  const pattern = schema.safeParse(String(settings[env] ?? usual))
  if (!pattern.success) return []
  const { hour, minute } = parsePattern(pattern.data, 0).fields
  const at = minutesOf(scale.backup.at)
  const prunings = hour.values.flatMap(h => minute.values.map(m => Number(h) * 60 + Number(m)))
  const isClose = prunings.some(pruning => (pruning - at + DAY_MIN) % DAY_MIN < BEFORE_PRUNING_MIN)
  return isClose ? [`scale.backup.at is within two hours before ${env}, which drops what a backup is reading`] : []
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return hours * 60 + minutes
}
