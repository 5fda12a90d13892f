import { bytes, count, counted } from '../../src/cli/figures.js'
import { showControls } from '../../src/cli/width.js'
import type { RemovalReceipt } from '../../src/tenants/removal.js'

/** A receipt in one line, right after the removal. */
export function removedWords(receipt: RemovalReceipt): string {
  const { files, bytes: size, localFiles, bucketObjects, bucketForgotten } = receipt.media
  const places = [
    ...(localFiles > 0 ? [`${count(localFiles)} local`] : []),
    ...(bucketObjects > 0 ? [`${count(bucketObjects)} in the bucket`] : []),
  ]
  const gone = places.length > 0 ? `: ${places.join(', ')} removed` : ''
  const left = bucketForgotten === 0 ? '' : `; ${amount(bucketForgotten, 'file')} in the bucket left there`
  const removed = gone + left
  const media =
    files === 0 && removed === '' ? '' : `, ${amount(files, 'media file')}${size === null ? '' : ` (${bytes(size)})`}${removed}`
  const more = [
    ...(receipt.databaseUser === null ? [] : [`database user ${receipt.databaseUser}`]),
    ...(receipt.jobs ? [counted(receipt.jobs, 'job')] : []),
    ...(receipt.keys ? [counted(receipt.keys, 'key')] : []),
    ...(receipt.eventsDropped === 0 ? [] : [`${counted(receipt.eventsDropped, 'event')} not counted yet`]),
    ...(receipt.oldCopies === 0 ? [] : [`${count(receipt.oldCopies)} old ${receipt.oldCopies === 1 ? 'copy' : 'copies'}`]),
  ].map(each => `, ${each}`)
  return `removed tenant ${receipt.slug} (id ${receipt.id}): ${whatWent(receipt)}, ${amount(receipt.feeds, 'feed')}, ${amount(receipt.posts, 'post')}${media}${more.join('')}`
}

function whatWent({ database, databaseStayed }: RemovalReceipt): string {
  if (databaseStayed) return 'nothing of the database, which is not of this installation'
  return database === null ? 'its rows of a shared database' : `its database ${database}`
}

function uncounted({ databaseStayed }: RemovalReceipt): string {
  return databaseStayed ? 'the database is not of this installation: it stayed' : 'nobody could count'
}

/** A receipt as it is kept, line by line. */
export function receiptWords(receipt: RemovalReceipt): string {
  const { media, dump } = receipt
  const rows = Object.entries(receipt.rows ?? {}).filter(([, rows]) => rows > 0)
  const where = `${receipt.placement ?? 'nowhere'}, ${receipt.host ?? '-'}${receipt.database === null ? '' : `/${receipt.database}`}`
  const lines: readonly (readonly [string, string])[] = [
    ['id', String(receipt.id)],
    ['removed by', receipt.by ?? '-'],
    ['began', new Date(receipt.beganAt).toISOString()],
    ['ended', receipt.removedAt === null ? 'not yet: what is left is removed later' : new Date(receipt.removedAt).toISOString()],
    ['was', where],
    ['user', receipt.databaseUser ?? 'none'],
    ['rows', receipt.rows === null ? uncounted(receipt) : rows.map(([table, n]) => `${table} ${count(n)}`).join(', ') || 'none'],
    ['media', `${amount(media.files, 'file')}${media.bytes === null ? '' : `, ${bytes(media.bytes)}`}`],
    ['', `removed: ${counted(media.localFiles, 'local file')}, ${counted(media.bucketObjects, 'object')} of the bucket`],
    ...(media.bucketForgotten === 0 ? [] : [['', `left in the bucket: ${amount(media.bucketForgotten, 'file')}`] as const]),
    ['jobs', receipt.jobs === null ? 'no queue' : count(receipt.jobs)],
    ['shared keys', receipt.keys === null ? 'none are shared' : count(receipt.keys)],
    ['events', `${count(receipt.eventsDropped)} were not counted any more`],
    ['old copies', count(receipt.oldCopies)],
    [
      'sources',
      receipt.sources === null ? uncounted(receipt) : `${count(receipt.sources)}, forgotten when nobody else reads them`,
    ],
    ['dump', dump === null ? 'none' : `${dump.file}, ${bytes(dump.bytes)}, sha256 ${dump.sha256}`],
  ]
  return [receipt.slug, ...lines.map(([title, text]) => `  ${title.padEnd(12)}${showControls(text)}`)].join('\n')
}

function amount(value: number | null, noun: string): string {
  return value === null ? `${noun}s nobody could count` : counted(value, noun)
}
