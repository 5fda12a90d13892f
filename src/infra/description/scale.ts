import { z } from 'zod'
import { address, hostName, ip, name, path, port, remote, serverAddress, time, user, whole } from './kinds.js'

const MEMORY_MB = whole(256, 1_048_576)
const ROLE = z.enum(['api', 'workers', 'scheduler'])

const install = z
  .strictObject({
    node: path.default('/usr/bin/node'),
    bin: path.default('/opt/feedctl/bin/feedctl.js'),
    user: user.default('feedctl'),
    /** Env file and secrets; the same on every machine. */
    config: path.default('/etc/feedctl'),
    data: path.default('/var/lib/feedctl'),
  })
  .prefault({})

const balancer = z
  .strictObject({
    address: ip.default('10.0.0.10'),
    listen: z
      .array(z.union([z.literal('*'), ip]))
      .min(1)
      .default(['*', '::']),
    http_port: port.default(80),
    https_port: port.default(443),
    /** Null where another in front (`front`) ends TLS: then it serves plain HTTP. */
    tls: z.strictObject({ certificate: path, key: path }).nullable().default({
      certificate: '/etc/letsencrypt/live/feedctl/fullchain.pem',
      key: '/etc/letsencrypt/live/feedctl/privkey.pem',
    }),
    /** Where an ACME client answers for certificates. */
    acme: path.default('/var/www/acme'),
    /** Requests a second of one address; null for no bound. */
    client_rate: whole(1, 1_000_000).nullable().default(200),
    client_connections: whole(1, 1_000_000).nullable().default(200),
    /** Who ends TLS in front of this one: only they are believed who the client is. For `tls: null`. */
    front: z.array(z.union([ip, z.cidrv4(), z.cidrv6()])).default([]),
    /** Who looks up the bucket's name while nginx runs. */
    resolvers: z.array(ip).min(1).default(['127.0.0.53']),
    cache_gb: whole(1, 10_000).default(10),
    user: user.default('www-data'),
    pid: path.default('/run/nginx.pid'),
    state: path.default('/var/lib/nginx'),
    cache: path.default('/var/cache/nginx'),
    logs: path.default('/var/log/nginx'),
  })
  .prefault({})

const appHost = z.strictObject({
  name,
  address: ip,
  port: port.default(8080),
  metrics_port: port.default(9464),
  roles: z.array(ROLE).min(1).default(['api', 'workers']),
})

const app = z
  .strictObject({
    hosts: z
      .array(appHost)
      .min(1)
      .default([
        { name: 'app-1', address: '10.0.0.11', port: 8080, metrics_port: 9464, roles: ['api', 'workers', 'scheduler'] },
        { name: 'app-2', address: '10.0.0.12', port: 8080, metrics_port: 9464, roles: ['api', 'workers', 'scheduler'] },
        { name: 'app-3', address: '10.0.0.13', port: 8080, metrics_port: 9464, roles: ['api', 'workers'] },
      ]),
    memory_mb: MEMORY_MB.default(4096),
    /** Processes of the API on each. */
    processes: whole(1, 256).default(2),
    workers: z.strictObject({ min: whole(1, 1000).default(1), max: whole(1, 1000).default(2) }).prefault({}),
    /** Connections of a process to a database host. */
    pool: whole(1, 200).default(8),
  })
  .prefault({})

const server = {
  port: port.default(3306),
  memory_mb: MEMORY_MB.default(16_384),
  data: path.default('/var/lib/mysql'),
  logs: path.default('/var/log/mysql'),
  run: path.default('/run/mysqld'),
}

const database = z
  .strictObject({
    address: address.default('10.0.0.20'),
    ...server,
    binlog_days: whole(1, 365).default(7),
    /** Connections for people, backups and exporters, beyond those of feedctl. */
    spare_connections: whole(5, 10_000).default(40),
    /** Null for none: then the API reads from the primary. */
    replica: z
      .strictObject({ address, ...server })
      .nullable()
      .default(null),
  })
  .prefault({})

const redis = z
  .strictObject({
    address: address.default('10.0.0.30'),
    port: port.default(6379),
    memory_mb: MEMORY_MB.default(4096),
    data: path.default('/var/lib/redis'),
    run: path.default('/run/redis'),
    logs: path.default('/var/log/redis'),
    config: path.default('/etc/redis'),
  })
  .prefault({})

const monitoring = z
  .strictObject({
    address: ip.default('10.0.0.40'),
    port: port.default(9090),
    scrape_s: whole(1, 300).default(15),
    /** Null for none: rules are evaluated, and nobody is told. */
    alertmanager: serverAddress.nullable().default(null),
    /** Ports of exporters where they are installed; null for none. */
    exporters: z
      .strictObject({
        node: port.nullable().default(9100),
        mysql: port.nullable().default(9104),
        redis: port.nullable().default(9121),
      })
      .prefault({}),
    data: path.default('/var/lib/prometheus'),
    config: path.default('/etc/prometheus'),
    dashboards: path.default('/var/lib/grafana/dashboards'),
  })
  .prefault({})

const backup = z
  .strictObject({
    /** UTC. Not within two hours before FEEDCTL_PRUNE_AT. */
    at: time.default('00:30'),
    keep_days: whole(1, 3650).default(14),
    folder: path.default('/var/backups/feedctl'),
    /** `remote:path` of rclone; null where no copy leaves the machine. */
    offsite: remote.nullable().default('offsite:feedctl-backups'),
    offsite_keep_days: whole(1, 3650).default(90),
  })
  .prefault({})

/** The machines of phase Scale. */
export const scaleSchema = z.strictObject({ install, balancer, app, database, redis, monitoring, backup }).prefault({})
export type Scale = z.output<typeof scaleSchema>
export type AppHost = Scale['app']['hosts'][number]

export const namesSchema = z
  .strictObject({
    api: hostName.default('api.example.com'),
    /** Of public links to media; null where all links are signed. */
    media: hostName.nullable().default('media.example.com'),
  })
  .prefault({})
