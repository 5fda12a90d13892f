import { markDue, removeTenant } from '../../dist/src/tenants/removal.js'
import { openCutting } from './cutting.js'

/** Removes one tenant. */
const { catalog, told, end } = await openCutting()
const media = async () => ({ files: 0, bytes: 0, localFiles: 0, bucketObjects: 0, bucketForgotten: 0 })
await markDue(catalog, told.slug)
await removeTenant(catalog, told.slug, { parts: { media, jobs: null, keys: null, events: async () => {} }, by: 'cut' })
await end()
