import type { ApiParts, ApiServer } from '../parts.js'

export function usageRoutes(_server: ApiServer, _parts: ApiParts): void {}
