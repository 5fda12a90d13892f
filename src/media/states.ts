import type { MediaLinksTable, MediaState } from '../tenants/databases/index.js'

/** In the order of a file's way to the bucket. */
export const MEDIA_STATES = [
  'seen',
  'hashed',
  'uploading',
  'uploaded',
  'verified',
  'switched',
  'grace',
  'deleted',
] as const satisfies readonly MediaState[]

/** Of what a post names. */
export const LINK_STATES = ['waiting', 'stored', 'failed', 'refused'] as const satisfies readonly MediaLinksTable['state'][]
export type LinkState = (typeof LINK_STATES)[number]
