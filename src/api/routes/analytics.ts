import type { ApiParts, ApiServer } from '../parts.js'

export function analyticsRoutes(_server: ApiServer, _parts: ApiParts): void {}
