import type { MediaLinksTable, MediaState } from '../tenants/databases/index.js'

/** Of files that have a local copy, in the order of their way to the bucket. */
export const LOCAL_STATES = [
  'seen',
  'hashed',
  'uploading',
  'uploaded',
  'verified',
  'switched',
  'grace',
] as const satisfies readonly MediaState[]

export const MEDIA_STATES = [...LOCAL_STATES, 'deleted'] as const satisfies readonly MediaState[]

/** Of what a post names. */
export const LINK_STATES = ['waiting', 'stored', 'failed', 'refused'] as const satisfies readonly MediaLinksTable['state'][]
export type LinkState = (typeof LINK_STATES)[number]
