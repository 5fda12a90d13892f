import type { TenantId } from '../../tenants/ids.js'
import type { Disks } from '../disks/driver.js'
import { mediaKey } from '../names.js'
import { isLocal } from '../reads.js'
import { isShown } from '../shown.js'
import { fileName } from './disposition.js'
import type { MediaFile } from './files.js'
import { LINK_TTL_S, type LinkSigner } from './links.js'

/** A link that anybody may read one file by. */
export interface MediaUrl {
  /** Absolute where it leads to the bucket; else a path of the API, for whoever knows where that is. */
  readonly url: string
  /** Epoch ms; null for a public link, which stays. */
  readonly expiresAt: number | null
}

/** Makes links to files. */
export class MediaUrls {
  constructor(
    private readonly disks: Pick<Disks, 'wasabi'>,
    private readonly signer: LinkSigner,
    /** Whether the bucket's links are public: those of a CDN. */
    private readonly publicLinks: boolean,
  ) {}

  /**
   * Of the API's own route for as long as the row has a local copy, also where the bucket has one too and is public: that route reads the local copy first, then
   * leads to the bucket's, and counts either. Of the bucket once the local copy is gone.
   */
  async urlOf(tenant: TenantId, file: MediaFile, now: number): Promise<MediaUrl> {
    const bucket = isLocal(file.state) ? null : await this.bucketUrl(tenant, file, now)
    if (bucket !== null) return bucket
    const { path, expiresAt } = this.signer.link(tenant, file.name, now)
    return { url: path, expiresAt }
  }

  /** Public, or signed for some minutes; what is not to be shown in place is saved by it. Null where there is no bucket. */
  async bucketUrl(tenant: TenantId, file: MediaFile, now: number): Promise<MediaUrl | null> {
    const { wasabi } = this.disks
    if (wasabi === null) return null
    const download = isShown(file.type) ? null : fileName(file.name)
    const url = await wasabi.linkTo(mediaKey(tenant, file.name), { ttlS: LINK_TTL_S, download })
    return { url, expiresAt: this.publicLinks ? null : now + LINK_TTL_S * 1000 }
  }
}
