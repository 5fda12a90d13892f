import { trimmed } from './published.js'

/** Markup where text belongs (XHTML, unescaped HTML): xml2js loses the order of text and tags, so another reader is needed. */
export class MarkupInText extends Error {}

/** The children of that name of an element as xml2js gives it; none for anything else. */
export function childrenOf(node: unknown, name: string): readonly unknown[] {
  const children = member(node, name)
  return Array.isArray(children) ? children : []
}

export function attributeOf(node: unknown, name: string): string | null {
  const value = member(member(node, '$'), name)
  return typeof value === 'string' ? trimmed(value) : null
}

/** The trimmed text of an element, null when it has none. @throws MarkupInText */
export function textOf(node: unknown): string | null {
  if (typeof node === 'string') return trimmed(node)
  if (typeof node !== 'object' || node === null) return null
  for (const key in node) if (key !== '_' && key !== '$') throw new MarkupInText(key)
  return plainOf(node)
}

/** The text of the first child that has one, by the names in their order; null when there is none. */
export function firstText(node: unknown, ...names: readonly string[]): string | null {
  for (const name of names) {
    for (const child of childrenOf(node, name)) {
      const text = textOf(child)
      if (text !== null) return text
    }
  }
  return null
}

export function textsOf(node: unknown, name: string): string[] {
  return childrenOf(node, name).flatMap(child => textOf(child) ?? [])
}

/** As `firstText`, for what is never markup: elements inside are passed over. */
export function firstPlain(node: unknown, name: string): string | null {
  return plainTexts(node, name)[0] ?? null
}

/** The `firstPlain` of each of the names that has one, in their order. */
export function plainsOf(node: unknown, names: readonly string[]): string[] {
  return names.flatMap(name => firstPlain(node, name) ?? [])
}

/** As `textsOf`, for what is never markup: elements inside are passed over. */
export function plainTexts(node: unknown, name: string): string[] {
  return childrenOf(node, name).flatMap(child => plainOf(child) ?? [])
}

/** The trimmed text of an element without that of the elements inside; null when it has none. */
export function plainOf(node: unknown): string | null {
  const text = typeof node === 'string' ? node : member(node, '_')
  return typeof text === 'string' ? trimmed(text) : null
}

function member(node: unknown, name: string): unknown {
  return typeof node === 'object' && node !== null && Object.hasOwn(node, name)
    ? (node as Record<string, unknown>)[name]
    : undefined
}
