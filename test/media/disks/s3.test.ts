import { afterAll, beforeAll } from 'vitest'
import { type S3Server, startS3 } from '../../support/s3.js'
import { bucketAt } from './buckets.js'
import { keepsTheDiskContract } from './contract.js'

let server: S3Server
beforeAll(async () => {
  server = await startS3()
})
afterAll(() => server?.[Symbol.asyncDispose]())

keepsTheDiskContract('s3rver', async () => bucketAt(server), {
  md5: true,
  pages: true,
  atomicPuts: true,
  firstByte: true,
  longNames: true,
})
