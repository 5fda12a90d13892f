import { type DeclaredEntities, expandReferences } from './entities.js'

/** Characters that all expansions of one document may come to; more stay the references they are. */
const MAX_EXPANSION_CHARS = 65_536
const MAX_ENTITIES = 500

/** A comment, a text, or an entity with a literal value: one with SYSTEM or PUBLIC has no quote after its name. A parameter entity has a `%` before it. */
const PART = /<!--[\s\S]*?(?:-->|$)|<!ENTITY\s+(%\s+)?([a-zA-Z_][\w.-]{0,60})\s+(?:"([^"]*)"|'([^']*)')|"[^"]*"|'[^']*'/g
const DOCTYPE_PART = /"[^"]*"|'[^']*'|<!--[\s\S]*?(?:-->|$)|[[\]>]/g

/** The position after the DOCTYPE that begins at `start`; that of its first `>` when it has no proper end. */
export function doctypeEnd(text: string, start: number): number {
  const limit = Math.min(text.length, start + 1_000_000)
  const head = text.slice(start, limit)
  let inSubset = false
  DOCTYPE_PART.lastIndex = 0
  for (let part = DOCTYPE_PART.exec(head); part !== null; part = DOCTYPE_PART.exec(head)) {
    if (part[0] === '[') inSubset = true
    else if (part[0] === ']') inSubset = false
    else if (part[0] === '>' && !inSubset) return start + DOCTYPE_PART.lastIndex
  }
  const close = text.indexOf('>', start)
  return close < 0 ? text.length : close + 1
}

/**
 * The internal entities of a DOCTYPE, as text. One may be made of others, those no further; what they come to in all is bounded; external and parameter
 * entities are never read.
 */
export function declaredEntities(doctype: string): DeclaredEntities {
  const values = new Map<string, string>()
  for (const [, parameter, name, double, single] of doctype.matchAll(PART)) {
    if (values.size >= MAX_ENTITIES) break
    // The first declaration of a name binds.
    if (name !== undefined && parameter === undefined && !values.has(name)) values.set(name, double ?? single ?? '')
  }
  if (values.size === 0) return () => undefined
  const literals = remembered(values, name => {
    const value = values.get(name)
    const text = value === undefined ? undefined : expandReferences(value, () => undefined)
    return text === undefined || hasDeclared(text, values) ? undefined : text
  })
  const wholes = remembered(values, name => {
    const value = values.get(name)
    return value === undefined ? undefined : expandReferences(value, within(MAX_EXPANSION_CHARS, literals))
  })
  return within(MAX_EXPANSION_CHARS, wholes)
}

/** Each name is worked out once: a document may refer to it a million times. */
function remembered(declared: ReadonlyMap<string, string>, entities: DeclaredEntities): DeclaredEntities {
  const known = new Map<string, string | undefined>()
  return name => {
    if (declared.has(name) && !known.has(name)) known.set(name, entities(name))
    return known.get(name)
  }
}

/** The entities until what they come to in all is longer than that; none from then on. */
function within(maxChars: number, entities: DeclaredEntities): DeclaredEntities {
  let left = maxChars
  return name => {
    const text = entities(name)
    if (text === undefined || text.length > left) return undefined
    left -= text.length
    return text
  }
}

function hasDeclared(text: string, values: ReadonlyMap<string, string>): boolean {
  return [...text.matchAll(/&([a-zA-Z_][\w.-]{0,60});/g)].some(([, name = '']) => values.has(name))
}
