/** The `xml:base` in force inside an element: null when none is declared and references mean what the feed's own base makes of them. */
export type XmlBase = DeclaredBase | null

export interface DeclaredBase {
  /** Absolute http(s) URL. */
  readonly href: string
  /** As published: the references of all elements that declare one, the outermost first. The same wherever the document was fetched from. */
  readonly declared: string
}

/** The base inside an element that declares `own`, in one whose base is `outer`, in a document from `url`. What is no URL changes nothing. */
export function innerBase(outer: XmlBase, own: string | null, url: string): XmlBase {
  if (own === null) return outer
  try {
    const { protocol, href } = new URL(own, outer?.href ?? url)
    if (protocol !== 'http:' && protocol !== 'https:') return outer
    return { href, declared: outer === null ? own : `${outer.declared} ${own}` }
  } catch {
    return outer
  }
}

/** The reference resolved against the `xml:base` in force where it stands; unchanged when there is none. */
export function resolved(reference: string, base: XmlBase): string {
  if (base === null) return reference
  try {
    return new URL(reference, base.href).href
  } catch {
    return reference
  }
}
