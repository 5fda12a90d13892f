import type { ApiParts, ApiServer } from '../parts.js'

/** `/ops`: the operations dashboard, where a password for it is set. */
export async function opsRoutes(_server: ApiServer, _parts: ApiParts): Promise<void> {}
