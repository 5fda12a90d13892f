import type { ApiParts, ApiServer } from '../parts.js'

/** `/healthz`, `/readyz`, `/metrics`. */
export function standingRoutes(_server: ApiServer, _parts: ApiParts): void {}
