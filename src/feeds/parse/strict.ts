import Parser from 'rss-parser'

/**
 * rss-parser reads the XML and tells the formats apart; the elements are kept as they are. Its own reading of a feed knows one link, one enclosure and one
 * author of an entry, fails over iTunes elements that it does not expect, and makes a text snippet of every content, which costs as much as parsing.
 */
class RootParser extends Parser<Record<string, unknown>, unknown> {
  constructor() {
    super({ defaultRSS: 2 })
  }

  buildAtomFeed(document: Record<string, unknown>): unknown {
    return { root: document.feed }
  }

  buildRSS2(document: Record<string, unknown>): unknown {
    return { root: document.rss }
  }

  buildRSS0_9(document: Record<string, unknown>): unknown {
    return { root: document.rss }
  }

  buildRSS1(document: Record<string, unknown>): unknown {
    return { root: document['rdf:RDF'] }
  }
}

/**
 * The root element of an RSS, RDF or Atom document, as xml2js gives it; strict XML only.
 * @throws whatever rss-parser finds wrong
 */
export async function readStrictly(xml: string): Promise<unknown> {
  const { root }: Record<string, unknown> = await new RootParser().parseString(xml)
  return root
}
