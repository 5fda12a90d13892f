import type { FeedParts, PublishedPost } from '../posts.js'
import { escapeXml, texturize } from '../prose.js'

/** RSS 1.0 (RDF) with the Dublin Core and content modules. It has no enclosures. */
export function renderRdf({ publisher, posts, updatedMs }: FeedParts): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel rdf:about="${publisher.home}/">
<title>${texturize(publisher.title)}</title>
<link>${publisher.home}/</link>
<description>${texturize(publisher.description)}</description>
<dc:language>${publisher.language}</dc:language>
<dc:date>${new Date(updatedMs).toISOString()}</dc:date>
<items><rdf:Seq>
${posts.map(post => `<rdf:li rdf:resource="${post.link}" />\n`).join('')}</rdf:Seq></items>
</channel>
${posts.map(rdfItem).join('')}</rdf:RDF>
`
}

function rdfItem(post: PublishedPost): string {
  return `<item rdf:about="${post.link}">
<title>${texturize(post.title)}</title>
<link>${post.link}</link>
<dc:creator>${escapeXml(post.author)}</dc:creator>
<dc:date>${new Date(post.publishedMs).toISOString()}</dc:date>
${post.categories.map(category => `<dc:subject>${escapeXml(category)}</dc:subject>\n`).join('')}<description>${texturize(post.excerpt)}</description>
<content:encoded><![CDATA[${post.html}]]></content:encoded>
</item>
`
}
