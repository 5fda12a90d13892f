import type { FailureCode } from '../../kernel/errors.js'
import type { NewTenant } from '../../tenants/claim.js'
import { parseSlug } from '../../tenants/ids.js'
import type { FaultName } from '../feed-server/faults.js'

/** Sources that are as they should be: numbers 1 to this one of the feed server. */
export const HEALTHY_SOURCES = 48
/** In each of their documents. */
export const HEALTHY_POSTS = 25

const NAMES: readonly (readonly [slug: string, name: string])[] = [
  ['atelier-nord', 'Atelier Nord'],
  ['brauhaus-sued', 'Brauhaus Süd'],
  ['cafe-lumiere', 'Café Lumière'],
  ['casa-azul', 'Casa Azul'],
  ['fjord-and-fell', 'Fjord & Fell'],
  ['harbour-books', 'Harbour Books'],
  ['kestrel-labs', 'Kestrel Labs'],
  ['la-petite-presse', 'La Petite Presse'],
  ['lumen-academy', 'Lumen Academy'],
  ['monsoon-travel', 'Monsoon Travel'],
  ['nordlys-media', 'Nordlys Media'],
  ['oak-and-ember', 'Oak & Ember'],
  ['orchard-clinic', 'Orchard Clinic'],
  ['polaris-legal', 'Polaris Legal'],
  ['studio-marisol', 'Studio Marisol'],
  ['the-slow-press', 'The Slow Press'],
  ['tideline', 'Tideline Magazine'],
  ['velo-kontor', 'Velo Kontor'],
  ['werkhalle-9', 'Werkhalle 9'],
  ['zinc-records', 'Zinc Records'],
]

/** The customers of the demo, every other one with a database of its own. */
export const TENANTS: readonly NewTenant[] = NAMES.map(([slug, name], index) => ({
  slug: parseSlug(slug),
  name,
  placement: index % 2 === 0 ? 'dedicated' : 'shared',
}))

/** Documents that are not as they should be, and are read all the same; whether the server offers validators with them. */
export const ODD: readonly { readonly fault: FaultName; readonly posts: number; readonly hasValidators: boolean }[] = [
  { fault: 'malformed', posts: 6, hasValidators: false },
  { fault: 'podcast', posts: 420, hasValidators: true },
  { fault: 'latin1', posts: 2, hasValidators: false },
  { fault: 'utf16', posts: 2, hasValidators: false },
]

/** What nobody can read, and the code it has to get. */
export const BROKEN = {
  'status-404': 'FEED_HTTP_STATUS',
  'status-410': 'FEED_GONE',
  'status-500': 'FEED_HTTP_STATUS',
  hang: 'FEED_TIMEOUT',
  html: 'FEED_NOT_A_FEED',
  'redirect-loop': 'FEED_REDIRECTS',
  'redirect-private': 'ADDRESS_REFUSED',
  'bomb-gzip': 'FEED_TOO_LARGE',
} as const satisfies Partial<Record<FaultName, FailureCode>>

export type BrokenName = keyof typeof BROKEN
