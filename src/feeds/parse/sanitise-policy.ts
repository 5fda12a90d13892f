/** Elements that are written, under their own name or another, and what of them is. Whatever is not here loses its tags and keeps its text. */

function words(text: string): string[] {
  return text.split(' ')
}

const ITSELF = words(
  'p a br img div span em strong li ul h2 h3 b i blockquote code pre ol h1 h4 h5 h6 td tr th table tbody thead figure figcaption hr sub sup small u s del ins ' +
    'abbr cite q mark time dl dt dd kbd samp var tt strike tfoot caption col colgroup details summary dfn ruby rt rp wbr bdi bdo audio video',
)

/** Blocks whose meaning is the page's that shows them, not the post's; and names of old. */
const OTHERWISE: readonly (readonly [string, string])[] = [
  ...words('article section header footer main aside nav address hgroup center form fieldset dialog search').map(
    name => [name, 'div'] as const,
  ),
  ['acronym', 'abbr'],
  ['menu', 'ul'],
  ['dir', 'ul'],
  ['listing', 'pre'],
  ['image', 'img'],
]

export const VOID = new Set(['br', 'hr', 'img', 'wbr', 'col', 'source'])

/** Left out with all that is in them. Of `object`, `applet`, `canvas` and `picture` the content is what a reader without them is meant to see. */
export const LEFT_OUT = new Set(
  words(
    'script style textarea title xmp iframe noembed noframes noscript template svg annotation annotation-xml select datalist option',
  ),
)

/** Would end a cell of the page around the post. */
const PARTS_OF_TABLES = new Set(words('td th tr tbody thead tfoot caption col colgroup'))

const PLAYERS = new Set(['audio', 'video'])

/** Elements around which words do not run together. */
export const BREAKS_WORDS = new Set(
  words(
    'p br div li ul ol h1 h2 h3 h4 h5 h6 td th tr table blockquote pre hr figure figcaption dl dt dd article section header footer img',
  ),
)

const BLOCKS = words('p div ul ol dl h1 h2 h3 h4 h5 h6 table pre blockquote figure figcaption hr details summary')
const CELL = words('p td th')
const ROW_GROUP = words('p td th tr tbody thead tfoot caption colgroup')

/** An opening tag ends the elements right above it that are named here, as their end tags may be left out in HTML. */
const ENDS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  [
    ...BLOCKS.map(name => [name, ['p']] as const),
    ['li', words('p li')] as const,
    ['dt', words('p dt dd')] as const,
    ['dd', words('p dt dd')] as const,
    ['td', [...CELL, 'thead']] as const,
    ['th', CELL] as const,
    ['tr', words('p td th tr caption colgroup')] as const,
    ['tbody', ROW_GROUP] as const,
    ['thead', ROW_GROUP] as const,
    ['tfoot', ROW_GROUP] as const,
    ['rt', words('rt rp')] as const,
    ['rp', words('rt rp')] as const,
    ['a', ['a']] as const,
  ].map(([name, ended]) => [name, new Set(ended)] as const),
)

/** Attributes that are written when their value is of this form; of it, only what matches. */
const COUNT = /^[1-9]\d{0,2}(?!\d)/
const TEXT = /^.{1,1000}/su
const DIRECTION = /^(?:ltr|rtl|auto)$/i
const CELL_ATTRIBUTES = { colspan: COUNT, rowspan: COUNT, dir: DIRECTION }
const DIRECTED = words('p div span li ul ol h1 h2 h3 h4 h5 h6 blockquote pre table dl dt dd bdi bdo q')

const ATTRIBUTES: ReadonlyMap<string, Readonly<Record<string, RegExp>>> = new Map<string, Readonly<Record<string, RegExp>>>([
  ...DIRECTED.map(name => [name, { dir: DIRECTION }] as const),
  ['td', CELL_ATTRIBUTES],
  ['th', CELL_ATTRIBUTES],
  ['col', { span: COUNT }],
  ['colgroup', { span: COUNT }],
  ['ol', { start: /^-?\d{1,9}$/, dir: DIRECTION }],
  ['abbr', { title: TEXT }],
  ['dfn', { title: TEXT }],
  ['time', { datetime: TEXT }],
])

/** What decides whether and how a link or a medium is written. */
const SEEN = words('src data-src data-original data-lazy-src srcset data-srcset data-lazy-srcset width height style hidden')

/** The attributes that are looked at, by the name that the element is written with. */
const LOOKED_AT: ReadonlyMap<string, ReadonlySet<string>> = new Map<string, ReadonlySet<string>>([
  ...[...ATTRIBUTES].map(([name, attributes]) => [name, new Set(Object.keys(attributes))] as const),
  ['a', new Set(['href', 'title'])],
  ['img', new Set([...SEEN, 'alt', 'title'])],
  ['audio', new Set(SEEN)],
  ['video', new Set([...SEEN, 'poster'])],
  ['source', new Set(['src', 'type'])],
  ['iframe', new Set(SEEN)],
])

/** One that is written, or in whose place something is. */
export interface Element {
  /** The name that it is written with. */
  readonly name: string
  readonly isVoid: boolean
  readonly isPlayer: boolean
  readonly isPartOfTable: boolean
  /** The elements right above that its start tag ends; null for none. */
  readonly ends: ReadonlySet<string> | null
  /** Attributes that decide what is written; null for none. */
  readonly lookedAt: ReadonlySet<string> | null
  /** The forms of attributes that are written as they are; null for none. */
  readonly forms: Readonly<Record<string, RegExp>> | null
}

/** By the name that is read, in lower case. */
export const ELEMENTS: ReadonlyMap<string, Element> = new Map(
  [...ITSELF.map(name => [name, name] as const), ...OTHERWISE, ['source', 'source'] as const, ['iframe', 'iframe'] as const].map(
    ([given, name]) => [given, elementOf(name)] as const,
  ),
)

function elementOf(name: string): Element {
  return {
    name,
    isVoid: VOID.has(name),
    isPlayer: PLAYERS.has(name),
    isPartOfTable: PARTS_OF_TABLES.has(name),
    ends: ENDS.get(name) ?? null,
    lookedAt: LOOKED_AT.get(name) ?? null,
    forms: ATTRIBUTES.get(name) ?? null,
  }
}

/** All that sanitize-html lets pass, whatever the tags are made into before. */
export const WRITTEN: string[] = [...ITSELF, 'source']

/** It reads this table again for each text: what does no harm anywhere stands there once, and `forms` tells where it is of use. */
export const WRITTEN_ATTRIBUTES: Record<string, string[]> = {
  '*': [...new Set([...ATTRIBUTES.values()].flatMap(forms => Object.keys(forms)))],
  a: ['href', 'rel'],
  img: ['src', 'alt', 'title', 'width', 'height', 'loading'],
  audio: ['src', 'controls', 'preload'],
  video: ['src', 'poster', 'width', 'height', 'controls', 'preload'],
  source: ['src', 'type'],
}
