import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { expect, onTestFinished, test } from 'vitest'
import { parseSlug } from '../../src/tenants/ids.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { png, sha256 } from '../media/intake/pictures.js'
import { startCeph } from '../support/ceph.js'
import { sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { s3Client } from '../support/s3-place.js'
import { Installation } from './installation.js'
import { startPublisher } from './publisher.js'

const PICTURES = [png(1), png(2), png(3)]
const BYTES = PICTURES.reduce((sum, picture) => sum + picture.byteLength, 0)

/** An installation whose tenant has a feed of three posts with a picture each. */
async function begin(settings: TestEnv): Promise<Installation> {
  const publisher = await startPublisher((path, response) => {
    const picture = PICTURES[Number(/^\/(\d)\.png$/.exec(path)?.[1])]
    if (picture !== undefined) response.end(picture)
    else response.end(feedOf(publisher.origin))
  })
  const installation = await Installation.create({ FEEDCTL_MEDIA_TYPES: 'image', ...settings })
  onTestFinished(async () => {
    await installation[Symbol.asyncDispose]()
    await publisher[Symbol.asyncDispose]()
  })
  await installation.createTenant('acme', [publisher.urlOf('/feed')])
  return installation
}

function feedOf(origin: string): string {
  const items = PICTURES.map(
    (_, n) => `<item><guid>${n}</guid><title>${n}</title><description>&lt;img src="${origin}/${n}.png"&gt;</description></item>`,
  )
  return `<rss version="2.0"><channel><title>Pictures</title>${items.join('')}</channel></rss>`
}

async function mediaOf(installation: Installation) {
  await using app = await installation.open()
  const tenant = await getTenant(app.catalog, parseSlug('acme'))
  return await withTenant(app.catalog, tenant, async tables => ({
    files: await tables.media().select(['name', 'state', 'etag', 'sha256']).orderBy('id').execute(),
    stored: (await tables.mediaLinks().select('post_id').where('state', '=', 'stored').execute()).length,
  }))
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.png'))
}

test('sync stores the pictures of new posts on the local disk, and a deleted tenant takes them along', async () => {
  const installation = await begin({})
  expect(await installation.sync('acme')).toMatchObject({ exit: 0, err: '' })
  const folder = join(installation.env.FEEDCTL_DATA ?? '', 'media')
  const media = await mediaOf(installation)
  expect(media.files.map(file => file.sha256).sort()).toEqual(PICTURES.map(sha256).sort())
  expect([media.stored, filesBelow(folder).length]).toEqual([3, 3])
  const deleted = await installation.run(['tenant', 'delete', 'acme', '--now', '--yes', '--json'])
  expect(JSON.parse(deleted.out).receipt.media).toEqual({
    files: 3,
    bytes: BYTES,
    local_files: 3,
    bucket_objects: 0,
    bucket_forgotten: 0,
  })
  expect(readdirSync(folder)).toEqual([])
})

test('with a bucket they are stored there; deletion waits for it, and does not lose track without it', {
  timeout: 180_000,
}, async () => {
  // The other S3 server of the tests does not list what was begun to be uploaded.
  const ceph = await startCeph()
  onTestFinished(() => ceph[Symbol.asyncDispose]())
  const s3 = await ceph.newBucket()
  const installation = await begin({ FILESYSTEM_DISK: 'wasabi', ...s3.env })
  expect(await installation.sync('acme')).toMatchObject({ exit: 0, err: '' })
  const media = await mediaOf(installation)
  expect([media.stored, media.files.map(file => file.state)]).toEqual([3, ['deleted', 'deleted', 'deleted']])
  const client = s3Client(s3)
  onTestFinished(() => client.destroy())
  const keys = async () =>
    ((await client.send(new ListObjectsV2Command({ Bucket: s3.bucket }))).Contents ?? []).map(({ Key }) => Key)
  expect(await keys()).toEqual(media.files.map(file => `media/1/${file.name}`).sort())
  await client.send(new CreateMultipartUploadCommand({ Bucket: s3.bucket, Key: 'media/1/begun.mp4' }))
  await client.send(new CreateMultipartUploadCommand({ Bucket: s3.bucket, Key: 'media/11/neighbour.mp4' }))
  const remove = (env: TestEnv) => installation.run(['tenant', 'delete', 'acme', '--now', '--yes', '--json'], { env })
  const away = await remove({ WASABI_ENDPOINT: 'http://127.0.0.1:9' })
  expect([away.exit, away.err]).toEqual([5, expect.stringContaining('UNAVAILABLE')])
  const none = await remove({ FILESYSTEM_DISK: 'local', WASABI_BUCKET: '' })
  expect([none.exit, none.err]).toEqual([
    4,
    expect.stringContaining('3 media files of tenant acme are in a bucket, and none is set'),
  ])
  const deleted = await remove({})
  expect([deleted.exit, deleted.err]).toEqual([0, ''])
  expect(JSON.parse(deleted.out).receipt.media).toEqual({
    files: 3,
    bytes: BYTES,
    local_files: 0,
    bucket_objects: 3,
    bucket_forgotten: 0,
  })
  expect(await keys()).toEqual([])
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: s3.bucket }))
  expect(Uploads.map(({ Key }) => Key)).toEqual(['media/11/neighbour.mp4'])
})

test('a disk that cannot be used keeps no feed from being synced, and what waits is stored later', async () => {
  const installation = await begin({})
  const broken = { env: { FILESYSTEM_DISK: 'wasabi' } }
  const synced = await installation.run(['sync', 'acme', '--json'], broken)
  expect([synced.exit, JSON.parse(synced.out).posts.new, synced.err]).toEqual([0, 3, expect.stringContaining('WASABI_BUCKET')])
  await installation.sync('acme', '--force')
  expect((await mediaOf(installation)).stored).toBe(3)
})

test('workers store them too', async () => {
  const installation = await begin({
    ...sharedMariadbEnv(),
    ...sharedRedisEnv(),
    QUEUE_CONNECTION: 'redis',
    CACHE_DRIVER: 'redis',
    DB_CONNECTION: 'mysql',
  })
  await installation.startWorkers(1)
  expect(await installation.sync('acme')).toMatchObject({ exit: 0 })
  await expect.poll(async () => (await mediaOf(installation)).stored, { timeout: 45_000, interval: 200 }).toBe(3)
})
