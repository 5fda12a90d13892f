import type { MediaState } from '../tenants/databases/index.js'

/** States of files that go when no post names them any more. Those that are on their way to the bucket go when they have arrived. */
export const PRUNABLE: readonly MediaState[] = ['seen', 'hashed', 'verified', 'switched', 'grace', 'deleted']

/** Whether the bytes of the file may be gone already, once no post named it. */
export function isPrunable({ state }: { readonly state: MediaState }): boolean {
  return PRUNABLE.includes(state)
}
