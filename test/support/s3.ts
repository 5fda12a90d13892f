import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import S3rver from 's3rver'
import { newBucket, type S3Place } from './s3-place.js'

const OWNER = { keyId: 'S3RVER', secret: 'S3RVER' }

/**
 * An S3 server in this process, with one bucket. It is quick and small; what it lacks, Ceph has: it checks no MD5, knows no ListParts, and lists no more than
 * one page of 1,000 objects on a Node with OpenSSL 3.
 */
export interface S3Server extends S3Place, AsyncDisposable {
  /** Where it keeps its objects. */
  readonly folder: string
}

export async function startS3(): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'feedctl-s3-'))
  const server = new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory })
  const { port } = await server.run()
  const place = await newBucket({ ...OWNER, endpoint: `http://127.0.0.1:${port}` })
  const dispose = async (): Promise<void> => {
    const closed = server.close()
    // It would wait for requests that broke off.
    server.httpServer.closeAllConnections()
    await closed
    await rm(directory, { recursive: true, force: true })
  }
  return { ...place, folder: directory, [Symbol.asyncDispose]: dispose }
}
