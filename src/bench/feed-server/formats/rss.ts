import type { FeedParts, PublishedPost, Publisher } from '../posts.js'
import { escapeXml, texturize } from '../prose.js'

/** RSS 2.0 as WordPress writes it: HTML in `content:encoded`, author in `dc:creator`. */
export function renderRss({ publisher, posts, selfUrl, updatedMs }: FeedParts): string {
  return `${rssHead(publisher, selfUrl, updatedMs)}${posts.map(post => rssItem(post)).join('')}</channel>\n</rss>\n`
}

/** The document up to its first item. */
export function rssHead(publisher: Publisher, selfUrl: string, updatedMs: number): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:atom="http://www.w3.org/2005/Atom" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">
<channel>
<title>${texturize(publisher.title)}</title>
<atom:link href="${selfUrl}" rel="self" type="application/rss+xml" />
<link>${publisher.home}/</link>
<description>${texturize(publisher.description)}</description>
<lastBuildDate>${new Date(updatedMs).toUTCString()}</lastBuildDate>
<language>${publisher.language}</language>
<ttl>60</ttl>
<image><url>${publisher.home}/icon.png</url><title>${texturize(publisher.title)}</title><link>${publisher.home}/</link></image>
`
}

/** One item; `more` is put before its end tag. */
export function rssItem(post: PublishedPost, more = ''): string {
  const { enclosure } = post
  const categories = post.categories.map(category => `<category><![CDATA[${category}]]></category>\n`).join('')
  const attachment =
    enclosure === null
      ? ''
      : `<enclosure url="${escapeXml(enclosure.url)}" length="${enclosure.bytes}" type="${enclosure.type}" />\n`
  return `<item>
<title>${texturize(post.title)}</title>
<link>${post.link}</link>
<dc:creator><![CDATA[${post.author}]]></dc:creator>
<pubDate>${new Date(post.publishedMs).toUTCString()}</pubDate>
${categories}<guid isPermaLink="${post.guidIsPermalink}">${escapeXml(post.guid)}</guid>
<description><![CDATA[${texturize(post.excerpt)}]]></description>
<content:encoded><![CDATA[${post.html}]]></content:encoded>
${attachment}${more}</item>
`
}
