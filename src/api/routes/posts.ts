import type { ApiParts, ApiServer } from '../parts.js'

export function postRoutes(_server: ApiServer, _parts: ApiParts): void {}
