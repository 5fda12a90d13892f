import type { FeedParts, PublishedPost } from '../posts.js'
import { escapeXml } from '../prose.js'

/** Atom 1.0 with escaped HTML, as most blog engines write it. */
export function renderAtom({ publisher, posts, selfUrl, updatedMs }: FeedParts): string {
  return `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="${publisher.language}">
<title>${escapeXml(publisher.title)}</title>
<subtitle>${escapeXml(publisher.description)}</subtitle>
<link href="${selfUrl}" rel="self" />
<link href="${publisher.home}/" rel="alternate" type="text/html" />
<updated>${new Date(updatedMs).toISOString()}</updated>
<id>${publisher.home}/</id>
${posts.map(atomEntry).join('')}</feed>
`
}

function atomEntry(post: PublishedPost): string {
  const { enclosure } = post
  const categories = post.categories.map(category => `<category term="${escapeXml(category)}" />\n`).join('')
  const attachment =
    enclosure === null
      ? ''
      : `<link rel="enclosure" href="${escapeXml(enclosure.url)}" length="${enclosure.bytes}" type="${enclosure.type}" />\n`
  return `<entry>
<title type="html">${escapeXml(escapeXml(post.title))}</title>
<link href="${post.link}" rel="alternate" type="text/html" />
${attachment}<id>${escapeXml(post.guid)}</id>
<published>${new Date(post.publishedMs).toISOString()}</published>
<updated>${new Date(post.updatedMs).toISOString()}</updated>
<author><name>${escapeXml(post.author)}</name></author>
${categories}<content type="html">${escapeXml(post.html)}</content>
</entry>
`
}
