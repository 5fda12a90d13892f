import { PAGE_TYPES } from '../kernel/settings.js'
import type { Catalog } from '../tenants/catalog.js'
import type { Tenant } from '../tenants/tenant.js'

/** What sync stores of the media that posts name. */
export interface MediaPolicy {
  /** `image`, `audio`, `video` or whole MIME types; empty for nothing. */
  readonly mediaTypes: readonly string[]
  readonly mediaMaxBytes: number
  readonly mediaPerPost: number
}

/** A null is left to the settings. */
export type OwnMediaPolicy = Pick<Tenant, keyof MediaPolicy>

/** Who decides: the settings FEEDCTL_MEDIA_*, unless the tenant does. */
export type MediaPolicyOrigin = 'settings' | 'tenant'

/** A policy as an operator sees it. */
export interface MediaPolicyView {
  readonly tenant: string
  readonly policy: {
    readonly types: readonly string[]
    readonly typesFrom: MediaPolicyOrigin
    readonly maxBytes: number
    readonly maxBytesFrom: MediaPolicyOrigin
    readonly perPost: number
    readonly perPostFrom: MediaPolicyOrigin
  }
}

/** What counts for the tenant. */
export function mediaPolicyOf(settings: MediaPolicy, own: OwnMediaPolicy): MediaPolicy {
  return {
    mediaTypes: own.mediaTypes ?? settings.mediaTypes,
    mediaMaxBytes: own.mediaMaxBytes ?? settings.mediaMaxBytes,
    mediaPerPost: own.mediaPerPost ?? settings.mediaPerPost,
  }
}

export function wantsNothing({ mediaTypes, mediaPerPost }: MediaPolicy): boolean {
  return mediaTypes.length === 0 || mediaPerPost === 0
}

/** `type`: a MIME type in lower case, without parameters. */
export function wantsType({ mediaTypes }: MediaPolicy, type: string): boolean {
  if (PAGE_TYPES.has(type)) return false
  return mediaTypes.includes(type) || mediaTypes.includes(type.slice(0, type.indexOf('/')))
}

export function showMediaPolicy(settings: MediaPolicy, tenant: Tenant): MediaPolicyView {
  const { mediaTypes, mediaMaxBytes, mediaPerPost } = mediaPolicyOf(settings, tenant)
  return {
    tenant: tenant.slug,
    policy: {
      types: mediaTypes,
      typesFrom: originOf(tenant.mediaTypes),
      maxBytes: mediaMaxBytes,
      maxBytesFrom: originOf(tenant.mediaMaxBytes),
      perPost: mediaPerPost,
      perPostFrom: originOf(tenant.mediaPerPost),
    },
  }
}

/** Sets what is named in `own`; it counts for posts that are stored from then on, and for what still waits. */
export async function setMediaPolicy(catalog: Catalog, tenant: Tenant, own: Partial<OwnMediaPolicy>): Promise<void> {
  const columns = {
    ...(own.mediaTypes === undefined ? {} : { media_types: own.mediaTypes?.join(',') ?? null }),
    ...(own.mediaMaxBytes === undefined ? {} : { media_max_bytes: own.mediaMaxBytes }),
    ...(own.mediaPerPost === undefined ? {} : { media_per_post: own.mediaPerPost }),
  }
  await catalog.kysely
    .updateTable('tenants')
    .set({ ...columns, updated_at: Date.now() })
    .where('id', '=', tenant.id)
    .execute()
}

function originOf(own: unknown): MediaPolicyOrigin {
  return own === null ? 'settings' : 'tenant'
}
