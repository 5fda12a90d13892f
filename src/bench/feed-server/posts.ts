import { article, headline, sentence, texturize } from './prose.js'
import { mix, Random } from './random.js'
import { AUTHORS, CATEGORIES, HOSTS, PUBLISHERS } from './words.js'

const EPOCH_MS = Date.UTC(2025, 5, 1, 6, 0, 0)
const POST_EVERY_MS = 7 * 3_600_000

/** Who publishes a source: the facts that every post of it shares. */
export interface Publisher {
  readonly title: string
  readonly description: string
  /** `https://...`, without a slash at the end. Never resolvable: under `.example`. */
  readonly home: string
  readonly language: string
  readonly podcast: boolean
  readonly guidStyle: 'permalink' | 'number' | 'tag'
}

/** One post before it takes the shape of a format. */
export interface PublishedPost {
  readonly guid: string
  readonly guidIsPermalink: boolean
  readonly link: string
  readonly title: string
  readonly author: string
  readonly categories: readonly string[]
  readonly publishedMs: number
  /** After `publishedMs` when the post was changed. */
  readonly updatedMs: number
  readonly excerpt: string
  readonly html: string
  readonly enclosure: { readonly url: string; readonly type: string; readonly bytes: number } | null
}

/** What every format is written from. */
export interface FeedParts {
  readonly publisher: Publisher
  readonly posts: readonly PublishedPost[]
  readonly selfUrl: string
  /** Milliseconds since the epoch. */
  readonly updatedMs: number
}

/** What identifies one state of a source. `edition` counts from 0. */
export interface Edition {
  readonly seed: number
  readonly source: number
  readonly edition: number
  readonly items: number
  readonly itemBytes: number
}

export function publisherOf(seed: number, source: number): Publisher {
  const random = new Random(mix(seed, source, 1))
  const name = random.below(PUBLISHERS.length)
  return {
    title: `${PUBLISHERS[name]} ${source}`,
    description: sentence(random),
    home: `https://${HOSTS[name]}-${source}.example`,
    language: random.pick(['en', 'en-GB', 'de', 'fr', 'pt-BR', 'es']),
    podcast: random.below(10) === 0,
    guidStyle: random.pick(['permalink', 'number', 'number', 'tag']),
  }
}

/** When the newest post of the edition appeared, ms since the epoch; a whole second. */
export function publishedAt(edition: Pick<Edition, 'edition' | 'items'>): number {
  return EPOCH_MS + (edition.edition + edition.items) * POST_EVERY_MS
}

/**
 * The posts of an edition, newest first. Post numbers run on: an edition has one new post on top of the one before it, has lost the
 * oldest, and one of the others has changed (when there are others).
 */
export function postsOf(edition: Edition, publisher: Publisher): PublishedPost[] {
  const changes = changesUpTo(edition)
  const newest = edition.edition + edition.items - 1
  return Array.from({ length: edition.items }, (_, index) => {
    const number = newest - index
    return postOf(edition, publisher, number, changes.get(number) ?? 0)
  })
}

/** Post number -> the latest edition that changed it. A post is only looked for in the editions that hold it. */
function changesUpTo({ seed, source, edition, items }: Edition): Map<number, number> {
  const changes = new Map<number, number>()
  if (items < 2) return changes
  for (let at = Math.max(1, edition - items + 2); at <= edition; at++) {
    changes.set(at + (mix(seed, source, at, 2) % (items - 1)), at)
  }
  return changes
}

/** One post; `changedIn` is the edition that last changed it, 0 when none did. */
export function postOf(
  { seed, source, itemBytes }: Pick<Edition, 'seed' | 'source' | 'itemBytes'>,
  publisher: Publisher,
  number: number,
  changedIn: number,
): PublishedPost {
  const random = new Random(mix(seed, source, number, 3))
  const title = headline(random)
  const publishedMs = EPOCH_MS + number * POST_EVERY_MS + random.below(POST_EVERY_MS / 1000) * 1000
  const slug = title.toLowerCase().replaceAll(/[^a-z]+/g, '-')
  const link = `${publisher.home}/${new Date(publishedMs).toISOString().slice(0, 7).replace('-', '/')}/${slug}-${number}/`
  const html = article(random, itemBytes * (0.7 + random.below(61) / 100), `${publisher.home}/media/${number}-800.jpg`)
  return {
    guid: guidOf(publisher, number, link),
    guidIsPermalink: publisher.guidStyle === 'permalink',
    link,
    title,
    author: random.pick(AUTHORS),
    categories: Array.from({ length: random.below(4) }, () => random.pick(CATEGORIES)),
    publishedMs,
    updatedMs: changedIn === 0 ? publishedMs : publishedMs + changedIn * 60_000,
    excerpt: `${sentence(random)} […]`,
    html: changedIn === 0 ? html : `${html}\n<p><strong>Update ${changedIn}:</strong> ${texturize(sentence(random))}</p>`,
    enclosure: enclosureOf(random, publisher, number),
  }
}

function guidOf(publisher: Publisher, number: number, link: string): string {
  if (publisher.guidStyle === 'permalink') return link
  if (publisher.guidStyle === 'number') return `${publisher.home}/?p=${number}`
  return `tag:${publisher.home.slice('https://'.length)},2025:post/${number}`
}

function enclosureOf(random: Random, publisher: Publisher, number: number): PublishedPost['enclosure'] {
  const bytes = 400_000 + random.below(60_000_000)
  if (publisher.podcast) return { url: `${publisher.home}/audio/${number}.mp3?from=feed&v=1`, type: 'audio/mpeg', bytes }
  return random.below(12) === 0 ? { url: `${publisher.home}/media/${number}-1600.jpg`, type: 'image/jpeg', bytes } : null
}
