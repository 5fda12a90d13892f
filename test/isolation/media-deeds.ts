import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tenantHasMediaHere } from '../../src/capacity/media-here.js'
import { readMediaFacts } from '../../src/doctor/media-facts.js'
import { deletePosts } from '../../src/feeds/tombstones.js'
import { Failure } from '../../src/kernel/errors.js'
import { Log } from '../../src/kernel/log.js'
import type { Bucket } from '../../src/media/disks/driver.js'
import { beginIntake } from '../../src/media/intake/begin.js'
import { listMedia } from '../../src/media/list.js'
import { listLinks } from '../../src/media/list-links.js'
import { rowsByHash } from '../../src/media/manifest/write.js'
import { migrate } from '../../src/media/migration/migrate.js'
import { mediaKey, parseMediaName } from '../../src/media/names.js'
import { mediaPolicyOf } from '../../src/media/policy.js'
import { pruneMedia } from '../../src/media/prune.js'
import { pruneUnlinked } from '../../src/media/prune-unlinked.js'
import { rollbackMedia } from '../../src/media/rollback/rollback.js'
import { mediaById, mediaByName, mediaPage } from '../../src/media/serving/files.js'
import { mediaStanding } from '../../src/media/standing.js'
import { journalAndBucket, verifyMedia } from '../../src/media/verify/verify.js'
import { withTenant } from '../../src/tenants/tables.js'
import { post } from '../feeds/sync/tenant-feeds.js'
import type { Deed, Draw } from './deeds.js'
import { NOW, someFeed, store } from './feed-deeds.js'
import { plain, type Side } from './side.js'

const { signal } = new AbortController()
const LATER_MS = 40 * 86_400_000
const log = new Log(() => {})

const nameOf = (number: number) => parseMediaName(`d/${number}.png`)
const pathOf = ({ ground, tenant }: Side, number: number) =>
  join(ground.parts.disks.local.folder, String(tenant.id), nameOf(number))

/** The server of the tests knows no list of unfinished uploads, and has none. */
export function bucketOf({ ground }: Side): Bucket {
  const { wasabi } = ground.parts.disks
  if (wasabi === null) throw new Error('these settings name no bucket')
  return wrapped(wasabi, { abortUploads: async () => 0 })
}

/** Files under the same names as the neighbour's, of contents of their own. */
function write(side: Side, draw: Draw): void {
  for (const number of [draw(6), draw(6)]) writeFile(side, number, `${draw(3)} ${side.mark} ${number}`)
}

function writeFile(side: Side, number: number, content: string): void {
  mkdirSync(dirname(pathOf(side, number)), { recursive: true })
  writeFileSync(pathOf(side, number), content)
}

/** The bucket, some of which is done otherwise. */
function wrapped(bucket: Bucket, otherwise: Partial<Bucket>): Bucket {
  return new Proxy(bucket, {
    get: (_, name) => {
      const own = otherwise[name as keyof Bucket]
      if (own !== undefined) return own
      const value = bucket[name as keyof Bucket]
      return typeof value === 'function' ? (value as () => unknown).bind(bucket) : value
    },
  })
}

async function carry(side: Side, graceMs: number | null, bucket = bucketOf(side)): Promise<unknown> {
  const disks = { catalog: side.ground.here.catalog, local: side.ground.parts.disks.local, bucket }
  const quiet = { note: () => {}, progress: () => {}, signal, drainMs: 1_000 }
  const consent = () => {}
  const { report, stopped, tenants } = await migrate(disks, {
    ...quiet,
    tenants: [side.tenant],
    concurrency: 4,
    timetable: null,
    graceMs,
    consent,
  })
  // A query that is refused ends the run, which tells of it and does not throw.
  if (stopped !== null || tenants.failure !== null) throw stopped ?? tenants.failure
  return report.files
}

export const MEDIA_DEEDS: Readonly<Record<string, Deed>> = {
  'store what its posts name': async side => {
    const policy = mediaPolicyOf(side.ground.parts.settings, side.tenant)
    const begun = await beginIntake(side.ground.here.catalog, side.tenant, policy)
    await side.ground.jobs(side)
    return begun
  },
  'want nothing of what its posts name, and then again': async side => {
    const policy = mediaPolicyOf(side.ground.parts.settings, side.tenant)
    const { catalog } = side.ground.here
    return [
      await beginIntake(catalog, side.tenant, { ...policy, mediaTypes: [] }),
      await beginIntake(catalog, side.tenant, policy),
    ]
  },
  'migrate its files': async (side, draw) => {
    write(side, draw)
    return carry(side, draw(2) === 0 ? null : 1)
  },
  'migrate when files have gone': async (side, draw) => {
    write(side, draw)
    const failing = wrapped(bucketOf(side), { put: () => Promise.reject(new Failure('MEDIA_UNREADABLE', 'not this one')) })
    await carry(side, null, failing)
    for (let number = 0; number < 6; number++) rmSync(pathOf(side, number), { force: true })
    return carry(side, null)
  },
  'migrate when rows go meanwhile': async (side, draw) => {
    write(side, draw)
    const bucket = bucketOf(side)
    const put: Bucket['put'] = async (key, ...rest) => {
      const name = key.slice(key.indexOf('/') + 1)
      await withTenant(side.ground.here.catalog, side.tenant, tables =>
        tables.transaction(tx => tx.remove('media').where('name', '=', name).execute()),
      )
      return bucket.put(key, ...rest)
    }
    return carry(side, null, wrapped(bucketOf(side), { put }))
  },
  'migrate large files, and many': async (side, draw) => {
    const content = `large ${draw(1_000)} of ${side.mark}`
    const bucket = bucketOf(side)
    const upload: Bucket['upload'] = async (key, source, facts, { note }, cut) => {
      await note({ id: 'an upload', parts: [] })
      const { etag } = await bucket.put(key, source, facts, cut)
      return { etag: etag ?? '' }
    }
    for (let number = 10; number < 70; number++) writeFile(side, number, `${content} ${number}`)
    return carry(side, null, wrapped(bucketOf(side), { multipartFrom: content.length + 3, upload }))
  },
  'roll its files back': async side => {
    const { catalog } = side.ground.here
    const parts = { catalog, local: side.ground.parts.disks.local, bucket: bucketOf(side), tenants: [side.tenant] }
    const { report } = await rollbackMedia({ ...parts, dryRun: false, signal, started: () => {}, progress: () => {} })
    return report.files
  },
  'verify, when an object is lost': async (side, draw) => {
    write(side, draw)
    await carry(side, null)
    await bucketOf(side).remove([mediaKey(side.tenant.id, nameOf(draw(6)))], signal)
    const parts = { catalog: side.ground.here.catalog, bucket: bucketOf(side), tenants: [side.tenant] }
    const { report } = await verifyMedia({ ...parts, share: 1, seed: 'x', signal, progress: () => {} })
    return [report.objects, report.failures]
  },
  'remove local copies whose grace is over': async (side, draw) => {
    write(side, draw)
    await carry(side, 1)
    const disks = { catalog: side.ground.here.catalog, local: side.ground.parts.disks.local, bucket: bucketOf(side), log }
    const now = () => Date.now() + LATER_MS
    const { report } = await pruneMedia(disks, { tenants: [side.tenant], dryRun: false, signal, now })
    return [report.files, report.orphansRemoved]
  },
  'remove what no post names': async (side, draw) => {
    const parts = {
      catalog: side.ground.here.catalog,
      log,
      disks: async () => ({ ...side.ground.parts.disks, wasabi: bucketOf(side) }),
    }
    const isDry = draw(2) === 0
    const withoutBucket = { ...parts, disks: async () => ({ ...side.ground.parts.disks, wasabi: null }) }
    const first = await pruneUnlinked(isDry ? parts : withoutBucket, side.tenant, { dryRun: isDry, signal })
    return [first, await pruneUnlinked(parts, side.tenant, { dryRun: false, signal })]
  },
  'look at media': async (side, draw) => {
    const { catalog } = side.ground.here
    const name = nameOf(draw(6))
    const looked = await withTenant(catalog, side.tenant, async tables => {
      const { media } = await listMedia(tables, { after: 0, limit: 100 })
      const { links } = await listLinks(tables, { after: 0, limit: 100 })
      const { files } = await mediaPage(tables, 0, 100)
      const file = await mediaByName(tables, name)
      return [...media, ...files, ...links, file, file === null ? null : await mediaById(tables, file.id)]
    })
    const { reads: _, ...standing } = await mediaStanding(catalog, [side.tenant], Date.now())
    await readMediaFacts(catalog, Date.now(), signal)
    return [unnumbered(looked), standing, await tenantHasMediaHere(catalog, side.tenant)]
  },
  'write a manifest': async side => {
    const parts = { catalog: side.ground.here.catalog, bucket: bucketOf(side), signal }
    const { journal } = journalAndBucket(parts, side.tenant)
    const rows: unknown[] = []
    for await (const page of rowsByHash(journal)) rows.push(...page)
    return unnumbered(rows)
  },
  'delete posts whose media was stored, and name the same again': async (side, draw) => {
    const feed = await someFeed(side, draw)
    const turn = draw(1_000)
    const named = (guid: string) =>
      post(guid, { content: `<img src="${side.ground.url('/own.png')}" /> ${turn} of ${side.mark}` })
    const { catalog } = side.ground.here
    const on = <T>(deed: Parameters<typeof withTenant<T>>[2]) => withTenant(catalog, side.tenant, deed)
    const storeOne = async (guid: string) => {
      const [now = feed] = await on(tables => tables.feeds().selectAll().where('id', '=', feed.id).execute())
      await store(side, now, [named(guid)], guid, NOW)
      await side.ground.jobs(side)
    }
    const deleteOne = async (guid: string) => {
      const rows = await on(tables => tables.posts().select('id').where('guid', '=', guid).execute())
      await on(tables =>
        deletePosts(
          tables,
          rows.map(row => row.id),
          NOW,
        ),
      )
    }
    await storeOne(`first ${turn}`)
    await deleteOne(`first ${turn}`)
    await storeOne(`second ${turn}`)
    await deleteOne(`second ${turn}`)
    return MEDIA_DEEDS['remove what no post names']?.(side, draw)
  },
}

/** In one order, and without the numbers of files: of several that come at once the first has the first, whichever it is. */
function unnumbered(rows: readonly unknown[]): unknown[] {
  const without = rows.map(row => {
    if (typeof row !== 'object' || row === null) return row
    const { id: _, mediaId: __, ...rest } = row as Record<string, unknown>
    return rest
  })
  return without.map(row => JSON.stringify(plain(row))).sort()
}
