import { encode, encodePath } from './encoding.js'
import type { Sdk } from './sdk.js'

/** S3 signs links for a week at most. */
const MAX_TTL_S = 7 * 24 * 3600

export interface LinkOptions {
  readonly ttlS: number
  readonly download: string | null
}

/** Of the CDN, which has the bucket's objects at its root; it never expires, and the object's own headers say whether it is shown. */
export function cdnLink(base: string, object: string): string {
  return `${base.replace(/\/+$/, '')}/${encodePath(object)}`
}

/** For anybody, for a while. */
export function signedLink(sdk: Sdk, path: string, { ttlS, download }: LinkOptions): Promise<string> {
  const query: Record<string, string> =
    download === null ? {} : { 'response-content-disposition': `attachment; filename*=UTF-8''${encode(download)}` }
  return sdk.link(path, query, Math.max(1, Math.min(MAX_TTL_S, Math.floor(ttlS))))
}
