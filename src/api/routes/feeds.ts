import type { ApiParts, ApiServer } from '../parts.js'

export function feedRoutes(_server: ApiServer, _parts: ApiParts): void {}
