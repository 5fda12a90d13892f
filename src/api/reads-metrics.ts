import { Counter, Gauge, type Registry } from 'prom-client'
import type { Replicas } from '../tenants/hosts/replicas.js'
import type { TenantReads } from './reads.js'

const MS_PER_S = 1_000

/** Shows in the registry where tenants' rows were read, and how far replicas may be behind. */
export function showReads(
  registry: Registry,
  reads: Pick<TenantReads, 'counts'>,
  replicas: Pick<Replicas, 'behind'> | null,
): void {
  new Counter({
    name: 'feedctl_api_reads_total',
    help: "Reads of tenants' rows by place: primary (the host), replica.",
    labelNames: ['place'] as const,
    registers: [registry],
    collect() {
      this.reset()
      for (const [place, count] of Object.entries(reads.counts)) this.inc({ place }, count)
    },
  })
  if (replicas === null) return
  new Gauge({
    name: 'feedctl_replica_behind_seconds',
    help: 'A replica holds what its host had so long ago, by host; absent while nobody reads, and while nothing is known of it. Up to a second or two is the time between looks.',
    labelNames: ['host'] as const,
    aggregator: 'max',
    registers: [registry],
    collect() {
      this.reset()
      for (const { host, ms } of replicas.behind()) if (ms !== null) this.set({ host }, ms / MS_PER_S)
    },
  })
}
