import { webUrlIn } from './sanitise-links.js'

/** Attributes by lower-case name, their references decoded. */
export type Attributes = Readonly<Record<string, string>>

/** Where scripts that load images late keep the address meanwhile, in the order of trust. */
const LATE_SOURCES = ['data-src', 'data-original', 'data-lazy-src']
const CANDIDATE_LISTS = ['srcset', 'data-srcset', 'data-lazy-srcset']

/** Comments that do not end make the search for them quadratic. */
const MAX_STYLE_CHARS = 1_000

/** A wider image is more than a reader's column shows. */
const WIDEST = 1_600

const INVISIBLE_STYLE =
  /(?:^|;)(?:(?:max-)?(?:width|height):(?:0*[01]|0?\.\d+)(?:\.0*)?(?:px)?|display:none|visibility:hidden)(?:!important)?(?:;|$)/i

/**
 * The absolute URL of a medium: its `src`; when that is missing, empty or a placeholder (whatever is not http or https), what would be loaded late; else
 * the best candidate of its `srcset`. Null when there is none.
 */
export function sourceOf(attributes: Attributes, base: string): string | null {
  const url = webUrlIn(attributes.src, base)
  if (url !== null) return url
  for (const name of LATE_SOURCES) {
    const late = webUrlIn(attributes[name], base)
    if (late !== null) return late
  }
  for (const name of CANDIDATE_LISTS) {
    const candidate = webUrlIn(bestCandidate(attributes[name]), base)
    if (candidate !== null) return candidate
  }
  return null
}

/** Meant not to be seen: a tracking pixel, or the frame of one. */
export function isInvisible(attributes: Attributes): boolean {
  if (isDot(attributes.width) || isDot(attributes.height) || attributes.hidden !== undefined) return true
  const style = attributes.style
  if (style === undefined) return false
  const declarations = style.slice(0, MAX_STYLE_CHARS).replace(/\/\*.*?\*\/|\s+/gs, '')
  return INVISIBLE_STYLE.test(declarations)
}

/** A size in whole pixels, or null: other units are the page's business. */
export function pixels(size: string | undefined): string | null {
  return /^(\d{1,5})(?:\.\d{1,9})?(?: ?px)?$/i.exec(size?.trim() ?? '')?.[1] ?? null
}

/** Read as browsers read it: what follows the number does not count, but for a percent sign. */
function isDot(size: string | undefined): boolean {
  const number = /^\s*\+?(\d+(?:\.\d+)?)(?![\d.%])/.exec(size ?? '')?.[1]
  return number !== undefined && Number(number) <= 1
}

/** The widest that is no wider than a column, else the first. */
function bestCandidate(srcset: string | undefined): string | undefined {
  if (srcset === undefined) return undefined
  let best: string | undefined
  let bestWidth = 0
  const parts = srcset.trim().split(/\s+/, 100)
  for (let index = 0; index < parts.length; index++) {
    const url = (parts[index] ?? '').replace(/^,+/, '')
    const isBare = url.endsWith(',')
    const descriptor = isBare ? undefined : parts[index + 1]
    if (descriptor !== undefined && /^[\d.]+[wxh],?$/.test(descriptor)) index++
    const width = /^(\d+)w/.exec(descriptor ?? '')?.[1] ?? '0'
    if (url !== '' && (best === undefined || (Number(width) > bestWidth && Number(width) <= WIDEST))) {
      best = url.replace(/,+$/, '')
      bestWidth = Number(width)
    }
  }
  return best
}
