/** The `xml:base` in force inside an element: an absolute URL, or null when none is declared and references mean what the feed's own base makes of them. */
export type XmlBase = string | null

/** The base inside an element that declares `own`, in one whose base is `outer`, in a document from `url`. What is no URL changes nothing. */
export function innerBase(outer: XmlBase, own: string | null, url: string): XmlBase {
  if (own === null) return outer
  try {
    const base = new URL(own, outer ?? url)
    return base.protocol === 'http:' || base.protocol === 'https:' ? base.href : outer
  } catch {
    return outer
  }
}

/** The reference resolved against the `xml:base` in force where it stands; unchanged when there is none. */
export function resolved(reference: string, base: XmlBase): string {
  if (base === null) return reference
  try {
    return new URL(reference, base).href
  } catch {
    return reference
  }
}
