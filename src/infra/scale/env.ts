import { SETTINGS } from '../../kernel/settings.js'
import { hostPort } from '../description/kinds.js'
import type { AppHost } from '../description/scale.js'
import type { Deployment } from '../description/schema.js'
import { MARK, onMachine, type RenderedFile } from '../files.js'
import { budgets } from './budgets.js'

/** Secrets that the machines of the application have, as files below the folder of settings. */
export function secretsOf({ media, secrets }: Deployment): string[] {
  return [
    'DB_PASSWORD',
    'REDIS_PASSWORD',
    'FEEDCTL_MEDIA_KEY',
    ...(media === null ? [] : ['WASABI_SECRET_ACCESS_KEY']),
    ...secrets,
  ]
}

/** `DB_PASSWORD` is the content of `db-password`. */
export function secretFileName(setting: string): string {
  return setting
    .replace(/^FEEDCTL_/, '')
    .toLowerCase()
    .replaceAll('_', '-')
}

export function envFileOf({ scale }: Deployment): string {
  return `${scale.install.config}/feedctl.env`
}

/** The settings of feedctl on a machine of the application. */
export function appEnv(deployment: Deployment, host: AppHost): RenderedFile {
  const lines = Object.entries({ ...settingsOf(deployment, host), ...deployment.settings })
  const text = [
    MARK,
    `# Settings of feedctl on ${host.name}. Secrets are in the files that are named here; ${deployment.scale.install.config}/local.env of the machine goes before this file.`,
    ...lines.map(([name, value]) => `${name}=${value}`),
    ...(deployment.media !== null && deployment.media.access_key_id === null
      ? ['# WASABI_ACCESS_KEY_ID is missing: give it as media.access_key_id of the description.']
      : []),
    '',
  ].join('\n')
  return onMachine(host.name, envFileOf(deployment), 'settings of feedctl, for its units and for commands typed there', text)
}

/** By the names of feedctl's settings. */
export function settingsOf(deployment: Deployment, host: AppHost): Record<string, string | number> {
  const { scale, database } = deployment
  const { workersMemoryMb, workersConnections } = budgets(scale, host)
  return {
    DB_CONNECTION: 'mysql',
    DB_HOST: scale.database.address,
    DB_PORT: scale.database.port,
    DB_DATABASE: database.catalog,
    DB_USERNAME: database.username,
    ...(scale.database.replica === null
      ? {}
      : { DB_READ_HOST: hostPort(scale.database.replica.address, scale.database.replica.port) }),
    ...(database.prefix === SETTINGS.databasePrefix.default ? {} : { FEEDCTL_DATABASE_PREFIX: database.prefix }),
    REDIS_HOST: scale.redis.address,
    REDIS_PORT: scale.redis.port,
    CACHE_DRIVER: 'redis',
    SESSION_DRIVER: 'redis',
    QUEUE_CONNECTION: 'redis',
    FEEDCTL_DATA: scale.install.data,
    ...Object.fromEntries(secretsOf(deployment).map(name => [`${name}_FILE`, `${scale.install.config}/${secretFileName(name)}`])),
    ...mediaSettings(deployment),
    FEEDCTL_TRUSTED_PROXIES: [...new Set([scale.balancer.address, scale.monitoring.address])].join(','),
    FEEDCTL_METRICS_LISTEN: hostPort(host.address, host.metrics_port),
    FEEDCTL_DB_POOL: scale.app.pool,
    FEEDCTL_DB_CONNECTIONS: workersConnections,
    FEEDCTL_WORKERS_MEMORY_MB: workersMemoryMb,
    FEEDCTL_LOG_LEVEL: 'info',
  }
}

function mediaSettings(deployment: Deployment): Record<string, string | number> {
  const { media, names } = deployment
  if (media === null) return { FILESYSTEM_DISK: 'local' }
  return {
    FILESYSTEM_DISK: 'wasabi',
    WASABI_BUCKET: media.bucket,
    WASABI_REGION: media.region,
    WASABI_ENDPOINT: `https://${media.endpoint}${media.port === 443 ? '' : `:${media.port}`}`,
    ...(media.access_key_id === null ? {} : { WASABI_ACCESS_KEY_ID: media.access_key_id }),
    ...(names.media === null ? {} : { WASABI_URL: `https://${names.media}` }),
    ...(media.prefix === SETTINGS.mediaPrefix.default ? {} : { FEEDCTL_MEDIA_PREFIX: media.prefix }),
  }
}
