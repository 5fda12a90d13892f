import { pick, zipf } from '../analytics/event-choices.js'
import type { Target } from '../api/connection.js'
import type { Asked } from '../api/expectations.js'
import type { Caller } from '../api/population.js'
import { askOnce, requestText } from '../api/real-answer.js'
import { Random } from '../feed-server/random.js'
import type { GuideLoad } from './load.js'

const SEED = 80
const FIRST_PAGE = '/v1/posts?limit=20'
const POSTS_READ = 10

/** What readers of many tenants ask, in an order. */
export interface Mix {
  readonly asked: readonly Asked[]
  /** Of `asked`, those that only read: the first ones. */
  readonly reads: number
  readonly sequence: readonly number[]
}

/**
 * Readers of few large and many small tenants (Zipf): of ten requests six are for the first page of posts, one each for the second and for that of a feed, two for a
 * single post; one in `writeEvery` adds a feed. `name` makes the feeds that are added others than those of an earlier mix.
 * @throws {Error} when the API does not answer as it should
 */
export async function readersMix(
  target: Target,
  callers: readonly Caller[],
  { requests, writeEvery }: GuideLoad,
  name: string,
): Promise<Mix> {
  const reads: string[][] = []
  for (const caller of callers) reads.push(await pathsOf(target, caller))
  const tenants = zipf(callers.length)
  const posts = zipf(POSTS_READ)
  const random = new Random(SEED)
  const part = () => random.below(1_000_000) / 1_000_000
  const asked: Asked[] = reads.flatMap((paths, n) => paths.map(path => readOf(path, (callers[n] as Caller).token)))
  const width = (reads[0] ?? []).length
  const sequence = Array.from({ length: requests }, (_, n) => {
    const tenant = pick(tenants, part())
    if (n % writeEvery === writeEvery - 1) return asked.push(writeOf(callers[tenant] as Caller, `${name}-${n}`)) - 1
    const kind = random.below(10)
    return tenant * width + (kind < 6 ? 0 : kind < 8 ? kind - 5 : 3 + pick(posts, part()))
  })
  return { asked, reads: reads.length * width, sequence }
}

/** First page, second page, first page of a feed, single posts. */
async function pathsOf(target: Target, { token }: Caller): Promise<string[]> {
  const { body } = await askOnce(target, FIRST_PAGE, token)
  const page = JSON.parse(body.toString()) as { posts: { id: number; feed: { id: number } }[]; next: string }
  const feed = page.posts[0]?.feed.id ?? 1
  const singles = page.posts.slice(0, POSTS_READ).map(({ id }) => `/v1/posts/${id}`)
  return [FIRST_PAGE, `${FIRST_PAGE}&cursor=${encodeURIComponent(page.next)}`, `${FIRST_PAGE}&feed=${feed}`, ...singles]
}

function readOf(path: string, token: string): Asked {
  return { text: requestText(path, token), status: 200, bytes: null, sha256: null }
}

function writeOf({ token }: Caller, name: string): Asked {
  const body = JSON.stringify({ url: `https://${name}.example/feed.xml` })
  const head = `POST /v1/feeds HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json`
  return { text: `${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`, status: 201, bytes: null, sha256: null }
}
