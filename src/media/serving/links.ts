import { createHmac, timingSafeEqual } from 'node:crypto'
import { Failure } from '../../kernel/errors.js'
import type { TenantId } from '../../tenants/ids.js'
import { type MediaName, mediaKey } from '../names.js'

/** A link is good for this long at least. */
export const LINK_TTL_S = 900
/** Links made within one such time are the same, so that browsers can keep what they got by them. */
const LINK_STEP_S = 300

/** A link of the API's own: a path and query, relative to where the API is. */
export interface OwnLink {
  readonly path: string
  /** Epoch ms. */
  readonly expiresAt: number
}

/** The query of such a link as it came in. */
export interface LinkQuery {
  readonly expires?: unknown
  readonly signature?: unknown
}

/** Signs and checks links to one file of one tenant, for a short time: HMAC-SHA256 over tenant, expiry and name. */
export class LinkSigner {
  constructor(private readonly key: Buffer) {}

  link(tenant: TenantId, name: MediaName, now: number): OwnLink {
    const expires = Math.ceil(now / 1000 / LINK_STEP_S) * LINK_STEP_S + LINK_TTL_S
    const signature = this.sign(tenant, name, String(expires)).toString('base64url')
    return { path: `${ownPath(tenant, name)}?expires=${expires}&signature=${signature}`, expiresAt: expires * 1000 }
  }

  /** Returns when the link was made here and has not expired. @throws {Failure} LINK_INVALID, LINK_EXPIRED */
  verify(tenant: TenantId, name: MediaName, query: LinkQuery, now: number): void {
    const { expires, signature } = query
    if (typeof expires !== 'string' || typeof signature !== 'string' || !/^\d{1,12}$/.test(expires)) throw invalid()
    const wanted = this.sign(tenant, name, expires)
    const given = Buffer.from(signature, 'base64url')
    // What decodes to the same bytes is not the same text.
    if (signature.length !== 43 || given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw invalid()
    if (Number(expires) * 1000 <= now) throw new Failure('LINK_EXPIRED', 'the link has expired')
  }

  private sign(tenant: TenantId, name: MediaName, expires: string): Buffer {
    return createHmac('sha256', this.key).update(`${tenant}\n${expires}\n${name}`).digest()
  }
}

/** Where the API serves the file: `/media/<tenant id>/<name>`, each segment percent-encoded. */
export function ownPath(tenant: TenantId, name: MediaName): string {
  return `/media/${mediaKey(tenant, name).split('/').map(encodeURIComponent).join('/')}`
}

function invalid(): Failure {
  return new Failure('LINK_INVALID', 'the link is not signed, or not for this file')
}
