import type { Random } from '../../../src/bench/feed-server/random.js'
import type { Mutator, Mutators } from './mutator.js'
import { HOSTILE } from './odd-markup.js'
import { DATES, JSON_VALUES, TEXTS, URLS } from './odd-values.js'

const KEYS = [
  '__proto__',
  'constructor',
  'items',
  'id',
  'url',
  'title',
  'authors',
  'author',
  'tags',
  'attachments',
  'content_html',
  'content_text',
  'hubs',
  'version',
  'toString',
  '',
]

type Node = Record<string, unknown> | unknown[]

const MAX_DEPTH = 2_000

interface Place {
  readonly parent: Node
  readonly key: string
}

/** Works on the parsed document; text that is no JSON is left as it is. */
function onTree(change: (place: Place, random: Random, root: Node) => void): Mutator {
  return (text, random) => {
    const root = treeOf(text)
    const places = root === null ? null : placesIn(root)
    if (root === null || places === null || places.length === 0) return text
    change(random.pick(places), random, root)
    return binary(JSON.stringify(root).replaceAll('"__HUGE__"', '1e999'))
  }
}

function treeOf(text: string): Node | null {
  if (!/^\s*[{[]/.test(text)) return null
  try {
    return JSON.parse(Buffer.from(text, 'latin1').toString('utf8')) as Node
  } catch {
    return null
  }
}

/** Null for what is nested so deep already that the mutations themselves would overflow. */
function placesIn(root: Node): Place[] | null {
  const places: Place[] = []
  let level: Node[] = [root]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return null
    const inner: Node[] = []
    for (const node of level) {
      for (const [key, value] of Object.entries(node)) {
        places.push({ parent: node, key })
        if (typeof value === 'object' && value !== null) inner.push(value as Node)
      }
    }
    level = inner
  }
  return places
}

function binary(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function set({ parent, key }: Place, value: unknown): void {
  // Not by assignment: `__proto__` must become a key of its own.
  Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true })
}

function get({ parent, key }: Place): unknown {
  return (parent as Record<string, unknown>)[key]
}

export const JSONS: Mutators = {
  jsonSwapKind: onTree((place, random) => set(place, random.pick(JSON_VALUES))),
  jsonOddString: onTree((place, random) => set(place, random.pick([...DATES, ...URLS, ...TEXTS, ...HOSTILE]))),
  jsonDrop: onTree(({ parent, key }) => (Array.isArray(parent) ? parent.splice(Number(key), 1) : delete parent[key])),
  jsonRename: onTree((place, random) => {
    const value = get(place)
    if (!Array.isArray(place.parent)) delete place.parent[place.key]
    set({ parent: place.parent, key: Array.isArray(place.parent) ? String(random.below(9)) : random.pick(KEYS) }, value)
  }),
  jsonWrap: onTree((place, random) => {
    const depth = random.pick([1, 2, 1_000])
    let value = get(place)
    for (let level = 0; level < depth; level++) value = random.below(2) === 0 ? [value] : { name: value }
    set(place, value)
  }),
  jsonRepeat: onTree((place, random) =>
    set(
      place,
      Array.from({ length: random.pick([2, 300, 2_000]) }, () => ({ id: 'same', content_text: 'x' })),
    ),
  ),
  jsonCopyIn: onTree((place, random, root) => set(place, JSON.parse(JSON.stringify(random.below(2) === 0 ? root : get(place))))),
  jsonText: (text, random) =>
    text.replace(
      random.pick([/"/, /,/, /:/, /\}\s*$/, /\{/, /"items"/]),
      random.pick(["'", '', ',,', '\\', '\\u12', '// x\n', 'NaN', '"__proto__":{"items":[]},', '\n', '"items":0,"items"']),
    ),
}
