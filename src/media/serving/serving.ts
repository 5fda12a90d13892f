import type { Readable } from 'node:stream'
import { Failure, isFailure } from '../../kernel/errors.js'
import type { Catalog } from '../../tenants/catalog.js'
import { withTenant } from '../../tenants/tables.js'
import { findTenant, type Tenant } from '../../tenants/tenant.js'
import type { Disks, Stat } from '../disks/driver.js'
import { mediaKey } from '../names.js'
import type { ReadCounts } from '../read-counts.js'
import { findCopy } from '../reads.js'
import { answerOf, type FileAnswer, type FileRequest } from './answer.js'
import { type MediaFile, mediaByName } from './files.js'
import type { LinkQuery, LinkSigner } from './links.js'
import { type NamedFile, parseOwnPath } from './paths.js'
import type { MediaUrls } from './urls.js'

/** A file that is replaced between a look and a read is looked at again, this often. */
const LOOKS = 3

/** A file's answer with its bytes; whoever takes the stream ends it. Or where the file is now. */
export type Served = { readonly answer: FileAnswer; readonly stream: Readable | null } | { readonly location: string }

export interface ServingParts {
  readonly catalog: Catalog
  readonly disks: Pick<Disks, 'local' | 'wasabi'>
  readonly signer: LinkSigner
  readonly urls: MediaUrls
  readonly counts: ReadCounts
}

/** A request of the API's media route. */
export interface OwnRequest extends FileRequest {
  /** Path and query, as they came in. */
  readonly url: string
  readonly query: LinkQuery
}

/** Serves files by signed links: the local copy, or where the bucket has it. */
export class MediaServing {
  constructor(private readonly parts: ServingParts) {}

  /**
   * Only the tenant that the link was signed for is looked into, and only for that name. Aborting the signal ends the stream.
   * @throws {Failure} MEDIA_NAME_INVALID, LINK_INVALID, LINK_EXPIRED, MEDIA_NOT_FOUND, TENANT_WRONG_STATE, MEDIA_CHANGED, UNAVAILABLE
   */
  async serve(request: OwnRequest, signal: AbortSignal, now: number = Date.now()): Promise<Served> {
    const named = parseOwnPath(request.url)
    this.parts.signer.verify(named.tenantId, named.name, request.query, now)
    const file = await this.fileOf(named, signal)
    for (let look = 0; look < LOOKS; look++) {
      const copy = await findCopy(this.parts.disks, named.tenantId, file, signal)
      if (copy === null) throw missing()
      const served = copy.disk === 'local' ? await this.fromLocal(request, named, file, copy.stat, signal, now) : null
      if (served !== null) return served
      if (copy.disk === 'wasabi') return this.fromBucket(named, file, now)
    }
    throw new Failure('MEDIA_CHANGED', 'the file is being changed: try again')
  }

  private async fileOf({ tenantId, name }: NamedFile, signal: AbortSignal): Promise<MediaFile> {
    const tenant = await findTenant(this.parts.catalog, tenantId)
    if (tenant === null || tenant.state === 'provisioning' || tenant.state === 'deleting') throw missing()
    refuseSuspended(tenant)
    const file = await withTenant(this.parts.catalog, tenant, tables => mediaByName(tables, name), signal)
    if (file === null) throw missing()
    return file
  }

  /** Null when the file was replaced, or went, after the look. */
  private async fromLocal(
    request: OwnRequest,
    { tenantId, name }: NamedFile,
    file: MediaFile,
    stat: Stat,
    signal: AbortSignal,
    now: number,
  ): Promise<Served | null> {
    const answer = answerOf(request, file, stat, now)
    const stream = answer.part === null ? null : await this.open(mediaKey(tenantId, name), answer.part, stat, signal)
    if (answer.part !== null && stream === null) return null
    this.parts.counts.count(tenantId, 'local', now)
    return { answer, stream }
  }

  private async open(
    key: Stat['key'],
    part: Exclude<FileAnswer['part'], null>,
    stat: Stat,
    signal: AbortSignal,
  ): Promise<Readable | null> {
    const reading = await this.parts.disks.local.read(key, part === 'all' ? null : part, signal).catch(nullWhenShorter)
    if (reading === null) return null
    if (reading.bytes === stat.bytes && reading.modifiedAt === stat.modifiedAt) return reading.stream
    reading.stream.destroy()
    return null
  }

  private async fromBucket({ tenantId }: NamedFile, file: MediaFile, now: number): Promise<Served> {
    const link = await this.parts.urls.bucketUrl(tenantId, file, now)
    if (link === null) throw missing()
    this.parts.counts.count(tenantId, 'wasabi', now)
    return { location: link.url }
  }
}

/** @throws {Failure} TENANT_WRONG_STATE */
export function refuseSuspended(tenant: Tenant): void {
  if (tenant.state !== 'active') throw new Failure('TENANT_WRONG_STATE', `the tenant is ${tenant.state}`)
}

/** For a range that the look found within the file. */
function nullWhenShorter(error: unknown): null {
  if (isFailure(error, 'USAGE')) return null
  throw error
}

function missing(): Failure {
  return new Failure('MEDIA_NOT_FOUND', 'there is no such file')
}
