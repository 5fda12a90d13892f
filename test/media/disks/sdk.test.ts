import { hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import type { WasabiBucket } from '../../../src/media/disks/wasabi/bucket.js'
import { encodePath } from '../../../src/media/disks/wasabi/encoding.js'
import { Sdk, UNSIGNED } from '../../../src/media/disks/wasabi/sdk.js'
import { Wire } from '../../../src/media/disks/wasabi/wire.js'
import { s3Place } from '../../support/s3-place.js'
import { bucketAt } from './buckets.js'
import { calm, key, namesIn } from './bytes.js'

const KEYS = { id: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const NOW = Date.UTC(2026, 0, 31, 23, 59, 59, 500)

function sdk(): Sdk {
  const endpoint = new URL('https://s3.example.com:8443')
  return new Sdk(new Wire(endpoint, { connectMs: 100, idleMs: 100 }), { endpoint, region: 'us-east-1', keys: KEYS })
}

test.each([
  'plain.png',
  "a b+c%20&=?#!'()*.png",
  'new\nline.png',
  'caf\u00e9/cafe\u0301.png',
  '日本/🦊.png',
  'a~b-c_d.e',
])('makes links to %j that name it, and hold for their seconds', async name => {
  const query = { 'response-content-disposition': "attachment; filename*=UTF-8''x%20y" }
  const link = new URL(await sdk().link(`/bucket/${encodePath(name)}`, query, 600, new Date(NOW)))
  expect([link.origin, decodeURIComponent(link.pathname)]).toEqual(['https://s3.example.com:8443', `/bucket/${name}`])
  expect(Object.fromEntries(link.searchParams)).toEqual({
    ...query,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': 'AKIDEXAMPLE/20260131/us-east-1/s3/aws4_request',
    'X-Amz-Date': '20260131T235959Z',
    'X-Amz-Expires': '600',
    'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
    'X-Amz-SignedHeaders': 'host',
  })
})

test('signs with the key of the day, over midnight too', async () => {
  const request = { method: 'GET', path: '/' }
  const one = sdk()
  const signed = async (by: Sdk, now: number) => String((await by.signed(request, UNSIGNED, new Date(now))).authorization)
  const over = [await signed(one, NOW), await signed(one, NOW + 1000), await signed(one, NOW)]
  const fresh = [await signed(sdk(), NOW), await signed(sdk(), NOW + 1000), await signed(sdk(), NOW)]
  expect(over).toEqual(fresh)
  expect([over[0]?.includes('/20260131/'), over[1]?.includes('/20260201/')]).toEqual([true, true])
})

test('removes many with their MD5 and no other sum, as Wasabi wants it', async () => {
  const gone = ['a', 'b'].map(name => `<Deleted><Key>media/1/${name}</Key></Deleted>`).join('')
  const { bucket, seen } = await answering(200, `<DeleteResult>${gone}</DeleteResult>`)
  await bucket.remove([key(1, 'a'), key(1, 'b')], calm)
  const [{ headers, body }] = seen as [Seen]
  expect(headers['content-md5']).toBe(Buffer.from(hash('md5', body), 'hex').toString('base64'))
  expect(Object.keys(headers).filter(name => name.includes('checksum'))).toEqual([])
})

test.each([
  ['<DeleteResult/>'],
  ['<html><body>Welcome to the hotel</body></html>'],
  ['Welcome to the hotel'],
  [''],
])('takes the success %j for no page and for no removal', async page => {
  const { bucket } = await answering(200, page)
  for (const deed of [() => namesIn(bucket, 1), () => bucket.remove([key(1, 'a'), key(1, 'b')], calm)])
    await expect(deed()).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.not.stringMatching(/hotel|\$response/) })
})

test.each([
  '<html><br>Denied, <b>AKIDEXAMPLE</html>',
  '',
  '<Error><Code>AKIDEXAMPLE was here</Code></Error>',
])('tells of the refusal %j by its status alone', async page => {
  const { bucket } = await answering(403, page)
  for (const deed of [() => namesIn(bucket, 1), () => bucket.read(key(1, 'a'), null, calm)]) {
    const message = expect.stringMatching(/refuses: status 403: the access key may not do this$/)
    await expect(deed()).rejects.toMatchObject({ code: 'BUCKET_REFUSED', message })
  }
})

interface Seen {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A bucket that answers everything so. */
async function answering(status: number, page: string): Promise<{ bucket: WasabiBucket; seen: Seen[] }> {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    seen.push({ headers: request.headers, body: await text(request) })
    response.writeHead(status, { 'content-type': 'application/xml' }).end(page)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const bucket = bucketAt(
    s3Place({ endpoint: `http://127.0.0.1:${port}`, bucket: 'bucket', keyId: KEYS.id, secret: KEYS.secret }),
  )
  onTestFinished(async () => {
    await bucket.close()
    await new Promise(resolve => server.close(resolve))
  })
  return { bucket, seen }
}
