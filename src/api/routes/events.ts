import type { ApiParts, ApiServer } from '../parts.js'

export function eventRoutes(_server: ApiServer, _parts: ApiParts): void {}
