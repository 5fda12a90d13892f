import { innerBase, resolved, type XmlBase } from './xml-base.js'
import { attributeOf } from './xml-node.js'

const ALTERNATE = /^(?:alternate|https?:\/\/www\.iana\.org\/assignments\/relation\/alternate)$/i

/** The page an entry or a feed is about: the first Atom link without a `rel` or with `alternate`, of HTML if one says so. */
export function alternateOf(links: readonly unknown[], base: XmlBase, url: string): string | null {
  let first: unknown = null
  for (const link of links) {
    if (attributeOf(link, 'href') === null || !ALTERNATE.test(attributeOf(link, 'rel') ?? 'alternate')) continue
    if (/html/i.test(attributeOf(link, 'type') ?? 'text/html')) return hrefOf(link, base, url)
    first ??= link
  }
  return first === null ? null : hrefOf(first, base, url)
}

/** As written, unless the link has an `xml:base` of its own. */
export function hrefOf(link: unknown, base: XmlBase, url: string): string | null {
  const href = attributeOf(link, 'href')
  const own = attributeOf(link, 'xml:base')
  return href === null || own === null ? href : resolved(href, innerBase(base, own, url))
}
