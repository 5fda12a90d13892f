import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { eraseTenantKeys, tenantKeys } from '../../caches/index.js'
import { emptyBucketOf } from '../../media/remove-tenant.js'
import type { Catalog } from '../../tenants/catalog.js'
import { dropDbUser } from '../../tenants/db-users.js'
import { withRemoval } from '../../tenants/fence.js'
import { parseTenantId } from '../../tenants/ids.js'
import { removeAllRows } from '../../tenants/removal/rows.js'
import { dropUnplaced } from '../../tenants/removal/unplaced.js'
import { TENANT_SCHEMA_VERSION } from '../../tenants/upgrade.js'
import { type Check, ok, onMysql, queueOnRedis, type Verdict, warn } from '../check.js'
import {
  goneAmong,
  isOurs,
  type Orphans,
  orphanDatabases,
  orphanFolders,
  orphanPlacements,
  orphanRows,
  orphanUsers,
  removedToTheEnd,
} from '../orphans.js'
import type { Parts } from '../parts.js'
import { counted, some } from '../words.js'
import { onBucket } from './wasabi.js'

const FIX = 'feedctl doctor --fix'

/** Databases of this catalog that no placement names. Dropped only after a yes of their own, and after another look at whose they are by then. */
export const orphansDatabases: Check = {
  id: 'orphans.databases',
  run: parts =>
    judged(parts, 'database', catalog => orphanDatabases(catalog, parts.config.databasePrefix), {
      nameOf: each => `${each.host}/${each.name}`,
    }),
  mend: async parts => {
    const catalog = await parts.catalog()
    const found = catalog === null ? [] : (await orphanDatabases(catalog, parts.config.databasePrefix)).found
    if (catalog === null || found.length === 0) return null
    return {
      deed: `drop ${counted(found.length, 'database')} with all that is in them: ${found.map(each => `${each.host}/${each.name}`).join(', ')}`,
      apply: async () => {
        const dropped = await dropUnplaced(catalog, found, ({ host, name }) => isOurs(catalog, host, name))
        return `dropped ${counted(dropped, 'database')}`
      },
    }
  },
}

export const orphansPlacements: Check = {
  id: 'orphans.placements',
  run: parts =>
    judged(parts, 'placement', catalog => orphanPlacements(catalog, Date.now()), {
      nameOf: name => name,
      fix: 'feedctl tenant create takes each up under its slug, and removes what is in it of tenants that are gone; nothing is removed by itself',
    }),
}

/** Users of databases whose tenant is gone. Those of which the catalog knows nothing are not looked for: that takes a right over the server's own tables. */
export const orphansUsers: Check = {
  id: 'orphans.users',
  applies: onMysql,
  run: parts =>
    judged(parts, 'database user', orphanUsers, {
      nameOf: each => `${each.username} on ${each.host}`,
      unseen: 'users that the catalog does not name are not looked for',
    }),
  mend: async parts => {
    const catalog = await parts.catalog()
    const found = catalog === null ? [] : (await orphanUsers(catalog)).found
    if (catalog === null || found.length === 0) return null
    return {
      deed: `drop ${counted(found.length, 'database user')} of tenants that are not there, and end their sessions`,
      apply: async () => {
        for (const { host, database } of found) await dropDbUser(catalog, { kind: 'dedicated', host, database })
        return `dropped ${counted(found.length, 'database user')}`
      },
    }
  },
}

/** Rows in shared databases. Removed, since nobody can ever read them: numbers of tenants are not given again. */
export const orphansRows: Check = {
  id: 'orphans.rows',
  run: parts => judged(parts, 'tenant', orphanRows, { nameOf: each => `${each.tenantId} in ${each.host}/${each.database}` }),
  mend: async parts => {
    const catalog = await parts.catalog()
    const found = catalog === null ? [] : (await orphanRows(catalog)).found
    if (catalog === null || found.length === 0) return null
    return {
      deed: `delete the rows of ${counted(found.length, 'tenant')} that are not there from shared databases`,
      apply: async () => {
        for (const { host, database, tenantId } of found) {
          const placement = { kind: 'shared', host, database } as const
          await withRemoval(catalog, { id: tenantId, placement, schemaVersion: TENANT_SCHEMA_VERSION }, removeAllRows)
        }
        return `deleted the rows of ${counted(found.length, 'tenant')}`
      },
    }
  },
}

/** Folders of local media. Only those whose receipts say that they were removed are mended: another installation may use the folder. */
export const orphansMedia: Check = {
  id: 'orphans.media',
  run: parts =>
    judged(parts, 'folder', catalog => orphanFolders(catalog, mediaFolder(parts)), {
      nameOf: id => join(mediaFolder(parts), String(id)),
    }),
  mend: async parts => {
    const catalog = await parts.catalog()
    if (catalog === null) return null
    const removed = await removedToTheEnd(catalog, (await orphanFolders(catalog, mediaFolder(parts))).found)
    if (removed.length === 0) return null
    return {
      deed: `delete the media folders of ${counted(removed.length, 'removed tenant')}`,
      apply: async () => {
        for (const id of removed) await rm(join(mediaFolder(parts), String(id)), { recursive: true, force: true })
        return `deleted ${counted(removed.length, 'folder')}`
      },
    }
  },
}

/** Objects of media, by the tenants' numbers in their names. Mended as folders are: another installation may use the bucket. */
export const orphansObjects: Check = {
  id: 'orphans.objects',
  applies: onBucket,
  run: parts => judged(parts, 'tenant', catalog => orphanObjects(catalog, parts), { nameOf: id => `objects of tenant ${id}` }),
  mend: async parts => {
    const catalog = await parts.catalog()
    if (catalog === null) return null
    const removed = await removedToTheEnd(catalog, (await orphanObjects(catalog, parts)).found)
    if (removed.length === 0) return null
    return {
      deed: `delete from the bucket all objects of ${counted(removed.length, 'removed tenant')}`,
      apply: async () => {
        const { wasabi } = await parts.disks()
        let objects = 0
        for (const id of removed) objects += wasabi === null ? 0 : await emptyBucketOf(wasabi, parseTenantId(id), parts.signal)
        return `deleted ${counted(objects, 'object')}`
      },
    }
  },
}

export const orphansKeys: Check = {
  id: 'orphans.keys',
  applies: config => config.cacheDriver === 'redis',
  run: parts => judged(parts, 'tenant', async catalog => goneAmong(catalog, keyPages(parts)), { nameOf: id => `tenant ${id}` }),
  mend: async parts => {
    const catalog = await parts.catalog()
    const found = catalog === null ? [] : (await goneAmong(catalog, keyPages(parts))).found
    if (found.length === 0) return null
    return {
      deed: `delete what is kept in Redis of ${counted(found.length, 'removed tenant')}`,
      apply: async () => {
        const erased = await eraseTenantKeys(await parts.redis(), parts.config.redisPrefix, new Set(found))
        return `deleted ${counted(sum(erased), 'key')}`
      },
    }
  },
}

export const orphansJobs: Check = {
  id: 'orphans.jobs',
  applies: queueOnRedis,
  run: parts =>
    judged(parts, 'tenant', async catalog => goneAmong(catalog, (await parts.desk()).tenants()), {
      nameOf: id => `tenant ${id}`,
    }),
  mend: async parts => {
    const catalog = await parts.catalog()
    const desk = await parts.desk()
    const found = catalog === null ? [] : (await goneAmong(catalog, desk.tenants())).found
    if (found.length === 0) return null
    return {
      deed: `remove the jobs of ${counted(found.length, 'removed tenant')}`,
      apply: async () => `removed ${counted(sum(await desk.removeTenants(new Set(found))), 'job')}`,
    }
  },
}

interface Words<T> {
  readonly nameOf: (found: T) => string
  readonly fix?: string
  /** What is not looked at at all; null for nothing. */
  readonly unseen?: string | null
}

async function judged<T>(
  parts: Parts,
  noun: string,
  look: (catalog: Catalog) => Promise<Orphans<T>>,
  { nameOf, fix = FIX, unseen = null }: Words<T>,
): Promise<Verdict> {
  const catalog = await parts.catalog()
  if (catalog === null) return ok('no catalog yet')
  const { found, more, away = [] } = await look(catalog)
  const unread = away.length === 0 ? '' : `; not looked at, since they do not answer: ${away.join(', ')}`
  const limits = `${more ? '; there was no time to look at all' : ''}${unread}${unseen === null ? '' : `; ${unseen}`}`
  if (found.length === 0) return ok(`nothing is left of tenants that are gone${limits}`)
  return warn(`${counted(found.length, noun)} without a tenant: ${some(found.map(nameOf))}${limits}`, fix)
}

async function* keyPages(parts: Parts): AsyncGenerator<readonly number[]> {
  for await (const page of tenantKeys(await parts.redis(), parts.config.redisPrefix)) yield page.map(({ tenantId }) => tenantId)
}

async function orphanObjects(catalog: Catalog, parts: Parts): Promise<Orphans<number>> {
  // Where the bucket does not answer, that is said once.
  await parts.bucket()
  const { wasabi } = await parts.disks()
  return wasabi === null ? { found: [], more: false } : goneAmong(catalog, wasabi.tenants(parts.signal))
}

function mediaFolder({ config }: Parts): string {
  return join(config.data, 'media')
}

function sum(counts: ReadonlyMap<number, number>): number {
  return [...counts.values()].reduce((all, count) => all + count, 0)
}
