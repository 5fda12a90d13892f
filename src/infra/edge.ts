import { SETTINGS } from '../kernel/settings.js'
import type { Deployment } from './description/schema.js'

/** What a proxy in front of the API lets through: as much as the API takes. */
export function maxBodyBytes({ settings }: Pick<Deployment, 'settings'>): number {
  return Number(settings[SETTINGS.apiMaxBodyBytes.env] ?? SETTINGS.apiMaxBodyBytes.default)
}

/** Requests a second of one tenant that the API answers; 0 is no limit. */
export function apiRate({ settings }: Pick<Deployment, 'settings'>): number {
  return Number(settings[SETTINGS.apiRate.env] ?? SETTINGS.apiRate.default)
}
