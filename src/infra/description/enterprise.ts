import { z } from 'zod'
import { hostName, image, name, quantity, whole, word } from './kinds.js'

const QUEUE = z.enum(['sync', 'media', 'analytics', 'maintenance'])
const cidr = z.cidrv4({ error: 'is not a range of addresses as 10.0.0.0/16' })

const size = { cpu: quantity.default('500m'), memory: quantity.default('768Mi') }

const api = z
  .strictObject({
    min: whole(1, 1000).default(3),
    max: whole(1, 10_000).default(40),
    cpu_percent: whole(10, 100).default(65),
    ...size,
  })
  .prefault({})

const workerSet = z.strictObject({
  name,
  queues: z.array(QUEUE).min(1),
  min: whole(1, 1000).default(1),
  max: whole(1, 10_000).default(20),
  /** One more worker for each such wait of the oldest job, seconds. */
  wait_s: whole(1, 86_400).default(60),
  concurrency: whole(1, 1000).default(5),
  ...size,
})

const databaseHost = z.strictObject({
  name,
  class: word.default('db.r6g.xlarge'),
  gb: whole(20, 65_536).default(200),
  replicas: whole(0, 5).default(1),
  /** Connections of all processes together. */
  connections: whole(10, 10_000).default(600),
})

const region = z.strictObject({
  name,
  /** As the cloud calls it. */
  aws: word,
  /** Whose addresses its pods have: ingress and Prometheus are among them. */
  pod_cidr: cidr,
  /** Its network: databases and Redis answer to these. */
  vpc_cidr: cidr,
  workers: z.boolean().default(true),
  /** Hosts of tenants' databases. The first of the first region is `default`: it has the catalog as well. */
  hosts: z.array(databaseHost).min(1),
})

/** The clusters of phase Enterprise; the first region is home: catalog, queues and the schedule are there. */
export const enterpriseSchema = z
  .strictObject({
    image: image.default('registry.example.com/feedctl:0.1.0'),
    namespace: name.default('feedctl'),
    /** Private names of databases: `<host>.<domain>`, `<host>-read-1.<domain>`. */
    domain: hostName.default('feedctl.internal'),
    ingress_class: name.default('nginx'),
    ingress_namespace: name.default('ingress-nginx'),
    monitoring_namespace: name.default('monitoring'),
    /** Prometheus at home, where KEDA of every region asks for the wait of the queues: each cluster must reach it by this name. */
    prometheus: z
      .string()
      .regex(/^https?:\/\/[A-Za-z0-9.-]+(:\d{1,5})?$/, 'is not http://host:port')
      .default('http://prometheus-operated.monitoring:9090'),
    /** ClusterSecretStore of External Secrets. */
    secret_store: name.default('aws-secrets'),
    tls_secret: name.default('feedctl-tls'),
    /** Connections of a process to a database host, where the budget allows it. */
    pool: whole(1, 200).default(6),
    redis_class: word.default('cache.r6g.large'),
    api,
    workers: z
      .array(workerSet)
      .min(1)
      .default([
        { name: 'sync', queues: ['sync', 'media'], min: 2, max: 40, wait_s: 60, concurrency: 5, cpu: '1', memory: '1Gi' },
        { name: 'analytics', queues: ['analytics'], min: 1, max: 8, wait_s: 30, concurrency: 2, cpu: '500m', memory: '768Mi' },
      ]),
    regions: z
      .array(region)
      .min(1)
      .default([
        {
          name: 'eu',
          aws: 'eu-central-1',
          pod_cidr: '10.10.0.0/16',
          vpc_cidr: '10.10.0.0/16',
          workers: true,
          hosts: [
            { name: 'default', class: 'db.r6g.xlarge', gb: 200, replicas: 1, connections: 600 },
            { name: 'eu-1', class: 'db.r6g.xlarge', gb: 500, replicas: 1, connections: 600 },
          ],
        },
        {
          name: 'us',
          aws: 'us-east-1',
          pod_cidr: '10.20.0.0/16',
          vpc_cidr: '10.20.0.0/16',
          workers: true,
          hosts: [{ name: 'us-1', class: 'db.r6g.xlarge', gb: 500, replicas: 1, connections: 600 }],
        },
      ]),
  })
  .prefault({})

export type Enterprise = z.output<typeof enterpriseSchema>
export type Region = Enterprise['regions'][number]
export type WorkerSet = Enterprise['workers'][number]

/** What contradicts itself; empty when nothing does. */
export function faultsInRegions({ regions, workers }: Enterprise): string[] {
  const twice = (values: readonly string[]) => [...new Set(values.filter((value, index) => values.indexOf(value) !== index))]
  const [home] = regions
  const hosts = regions.flatMap(one => one.hosts.map(host => host.name))
  const queues = new Set(workers.flatMap(set => set.queues))
  return [
    ...twice(regions.map(one => one.name)).map(name => `enterprise.regions has ${name} twice`),
    ...twice(regions.map(one => one.aws)).map(aws => `enterprise.regions has ${aws} twice`),
    ...twice(hosts).map(host => `enterprise.regions has the host ${host} twice`),
    ...twice(workers.map(set => set.name)).map(set => `enterprise.workers has ${set} twice`),
    ...(home?.hosts[0]?.name === 'default' ? [] : ['enterprise.regions.0.hosts.0 has the catalog, and must be called default']),
    ...(home?.workers === true ? [] : ['enterprise.regions.0 is home, and must have workers']),
    ...(['sync', 'media', 'analytics'] as const)
      .filter(queue => !queues.has(queue))
      .map(queue => `enterprise.workers has nobody for the queue ${queue}`),
    ...workers.filter(set => set.min > set.max).map(set => `enterprise.workers: min of ${set.name} is above max`),
  ]
}
