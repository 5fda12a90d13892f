import { rssHead, rssItem } from './formats/rss.js'
import { keepBodies, type ServedDocument } from './library.js'
import { type PublishedPost, type Publisher, postOf, publishedAt, publisherOf } from './posts.js'
import { escapeXml } from './prose.js'
import { mix, Random } from './random.js'

const GOOD_ITEMS = 5
const EPISODES = 420

/** Source number of what `/faults` answers; no feed has it. */
const SOURCE = 999_999_999

/** The posts of a document that breaks, in ascending number, for as long as they are asked for. */
export function* postsForEver(seed: number): Generator<PublishedPost, never> {
  const publisher = publisherOf(seed, SOURCE)
  for (let number = 0; ; number++) yield postOf({ seed, source: SOURCE, itemBytes: 1500 }, publisher, number, 0)
}

/** An RSS document up to its first item. */
export function openingOf(seed: number): string {
  return headOf(publisherOf(seed, SOURCE))
}

/** Five whole items, then one whose end tag does not match. */
export function malformedDocument(seed: number): Buffer {
  const posts = postsForEver(seed)
  const items = Array.from({ length: GOOD_ITEMS }, () => rssItem(posts.next().value))
  const broken = '<item><title>This one is broken</titel><link>https://broken.example/6</link></item>\n'
  return Buffer.from(`${openingOf(seed)}${items.join('')}${broken}</channel>\n</rss>\n`)
}

export function webPage(): Buffer {
  return Buffer.from(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>We have moved</title><link rel="stylesheet" href="/style.css"></head>
<body><h1>Welcome to our new home</h1><p>Our old pages &ndash; and feeds &ndash; are gone.<br>Please <a href=/start>start here</a>.</p>
<script>if (1 < 2 && document.cookie) document.body.className = "known"</script></body></html>
`)
}

export function garbage(seed: number): Buffer {
  const random = new Random(mix(seed, SOURCE))
  return Buffer.from(Array.from({ length: 4096 }, () => random.below(256)))
}

export function latin1Document(): Buffer {
  return Buffer.from(accented('<?xml version="1.0"?>'), 'latin1')
}

export function utf16Document(): Buffer {
  return Buffer.from(`\uFEFF${accented('<?xml version="1.0" encoding="UTF-16"?>')}`, 'utf16le')
}

function accented(declaration: string): string {
  return `${declaration}
<rss version="2.0"><channel><title>Café Olé</title><link>https://cafe.example/</link><description>Là où naît l&#8217;été</description>
<item><title>Übergrößen für Zoë</title><link>https://cafe.example/1</link><guid>cafe-1</guid><description>Señor Müller aß Crème brûlée.</description></item>
<item><title>Smørrebrød à la carte</title><link>https://cafe.example/2</link><guid>cafe-2</guid><description>¿Qué? Ça va.</description></item>
</channel></rss>
`
}

/** A podcast of some 1.6 MB: hundreds of episodes with show notes, an enclosure and iTunes tags each. */
export function podcast(seed: number): ServedDocument {
  return keepBodies(() => renderPodcast(seed), {
    contentType: 'application/rss+xml; charset=utf-8',
    etag: `podcast-${seed}`,
    modifiedMs: publishedAt({ edition: 0, items: EPISODES }),
  })
}

function renderPodcast(seed: number): Buffer {
  const publisher: Publisher = { ...publisherOf(seed, SOURCE), title: 'Kitchen Sink Radio', podcast: true }
  const episodes = Array.from({ length: EPISODES }, (_, index) => {
    const post = postOf({ seed, source: SOURCE, itemBytes: 2600 }, publisher, EPISODES - index, 0)
    return rssItem(post, episodeTags(post, EPISODES - index))
  })
  const channelTags = `<itunes:author>${escapeXml(publisher.title)}</itunes:author>
<itunes:owner><itunes:name>Dana Novák</itunes:name><itunes:email>radio@kitchenradio.example</itunes:email></itunes:owner>
<itunes:image href="${publisher.home}/cover.jpg" />
<itunes:category text="Society &amp; Culture"><itunes:category text="Documentary" /></itunes:category>
<itunes:explicit>false</itunes:explicit>
`
  return Buffer.from(`${headOf(publisher)}${channelTags}${episodes.join('')}</channel>\n</rss>\n`)
}

function episodeTags(post: PublishedPost, number: number): string {
  return `<itunes:title>${escapeXml(post.title)}</itunes:title>
<itunes:author>${escapeXml(post.author)}</itunes:author>
<itunes:summary>${escapeXml(post.excerpt)}</itunes:summary>
<itunes:duration>${600 + (number % 50) * 61}</itunes:duration>
<itunes:season>${1 + Math.floor(number / 50)}</itunes:season>
<itunes:episode>${number}</itunes:episode>
<itunes:episodeType>full</itunes:episodeType>
<itunes:image href="https://kitchenradio.example/covers/${number}.jpg" />
`
}

function headOf(publisher: Publisher): string {
  return rssHead(publisher, `${publisher.home}/feed/`, publishedAt({ edition: 0, items: EPISODES }))
}
