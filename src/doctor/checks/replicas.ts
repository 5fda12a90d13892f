import { sql } from 'kysely'
import { sleep } from '../../kernel/clock.js'
import type { Config } from '../../kernel/config.js'
import { wordsOf } from '../../kernel/errors.js'
import type { Catalog } from '../../tenants/catalog.js'
import { ReplicaWatch } from '../../tenants/hosts/replica-watch.js'
import { openReplica, readAddressOf } from '../../tenants/hosts/replicas.js'
import { type Check, ok, onMysql, type Verdict, warn } from '../check.js'

const HOSTS_AT_MOST = 50
/** A replica that is not so far after this is called late. */
const PATIENCE_MS = 4_000
const LOOK_EVERY_MS = 250

/** What is seen of a replica. */
export interface ReplicaSight {
  readonly host: string
  readonly address: string
  /** Why it cannot be read; null when it has what its host had a moment ago. */
  readonly why: string | null
  readonly readOnly: boolean
}

export const databaseReplicas: Check = {
  id: 'database.replicas',
  applies: onMysql,
  run: async parts => {
    const catalog = await parts.catalog()
    if (catalog === null) return ok('no catalog yet')
    const hosts = await catalog.kysely.selectFrom('hosts').select('name').orderBy('id').limit(HOSTS_AT_MOST).execute()
    const sights = await Promise.all(hosts.map(({ name }) => lookAt(catalog, parts.config, name, parts.signal)))
    return judgeReplicas(sights.filter(sight => sight !== null))
  },
}

export function judgeReplicas(sights: readonly ReplicaSight[]): Verdict {
  if (sights.length === 0) return ok('no host has a replica')
  const away = sights.filter(({ why }) => why !== null)
  if (away.length > 0) {
    const words = away.map(({ host, address, why }) => `the replica ${address} of ${host} is not read: ${why}`)
    return warn(words.join('; '), 'SHOW REPLICA STATUS on the replica; docs/replicas.md has what it needs')
  }
  const open = sights.filter(({ readOnly }) => !readOnly)
  if (open.length > 0) {
    const words = open.map(({ host, address }) => `the replica ${address} of ${host} can be written`)
    return warn(words.join('; '), 'read_only=ON on the replica')
  }
  return ok(sights.map(({ host, address }) => `the replica ${address} has what ${host} has`).join('; '))
}

/** Null where the host has none. */
async function lookAt(catalog: Catalog, config: Config, host: string, signal: AbortSignal): Promise<ReplicaSight | null> {
  const address = await readAddressOf(catalog, config, host)
  if (address === null) return null
  try {
    const replica = await openReplica(catalog, config, host, address)
    try {
      const watch = new ReplicaWatch({ primary: await catalog.hosts.serverOf(host), replica, database: catalog.name })
      const until = performance.now() + PATIENCE_MS
      await watch.look()
      while (watch.heldAt === null && performance.now() < until) {
        await sleep(LOOK_EVERY_MS, signal)
        await watch.look()
      }
      const why = watch.heldAt === null ? `after ${PATIENCE_MS / 1000} s it lacks what its host had` : null
      return { host, address, why, readOnly: await isReadOnly(catalog, replica) }
    } finally {
      await replica.close()
    }
  } catch (error) {
    if (signal.aborted) throw error
    return { host, address, why: wordsOf(error), readOnly: true }
  }
}

function isReadOnly({ name }: Catalog, replica: Awaited<ReturnType<typeof openReplica>>): Promise<boolean> {
  return replica.use<object, boolean>(name, async ({ kysely }) => {
    const { rows } = await sql<{ it: number }>`select @@global.read_only as it`.execute(kysely)
    return Number(rows[0]?.it) === 1
  })
}
