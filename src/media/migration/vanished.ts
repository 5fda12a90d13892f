import { Failure } from '../../kernel/errors.js'
import { mediaKey } from '../names.js'
import { type Carrying, checkFolder, journaled, type MigrationParts } from './parts.js'

/**
 * What becomes of a row whose local file is not there any more: the bucket's copy is what is left where there is one, a file that nobody names
 * is forgotten, and one that a post names is a failure. @throws {Failure} UNAVAILABLE when the folder is away
 */
export async function settleVanished(
  parts: MigrationParts,
  carrying: Pick<Carrying, 'tenant' | 'journal' | 'row'>,
): Promise<void> {
  const { tenant, journal, row } = carrying
  const { tables } = journal
  checkFolder(parts, tenant)
  if (row.etag !== null && row.sha256 !== null) {
    const stat = await parts.outage.bridge(() => parts.bucket.stat(mediaKey(tenant.id, row.name), parts.cut), parts.stop)
    if (stat !== null && stat.etag === row.etag) {
      const columns = { state: 'deleted', bytes: stat.bytes, identity: null, delete_after: null } as const
      await journaled(journal.move([row.id], row.state, columns))
      parts.tally.files.vanished++
      return
    }
  }
  const link = await journaled(tables.mediaLinks().select('post_id').where('media_id', '=', row.id).limit(1).executeTakeFirst())
  if (link !== undefined)
    throw new Failure('MEDIA_NOT_FOUND', `the local file of ${row.name} is gone, and post ${link.post_id} names it`)
  await journaled(tables.transaction(tx => tx.remove('media').where('id', '=', row.id).where('state', '=', row.state).execute()))
  parts.tally.files.vanished++
}
