import type { FeedParts, PublishedPost } from '../posts.js'

/** JSON Feed 1.1. */
export function renderJson({ publisher, posts, selfUrl }: FeedParts): string {
  return JSON.stringify({
    version: 'https://jsonfeed.org/version/1.1',
    title: publisher.title,
    home_page_url: `${publisher.home}/`,
    feed_url: selfUrl,
    description: publisher.description,
    language: publisher.language,
    items: posts.map(jsonItem),
  })
}

function jsonItem(post: PublishedPost): Record<string, unknown> {
  const { enclosure } = post
  return {
    id: post.guid,
    url: post.link,
    title: post.title,
    content_html: post.html,
    summary: post.excerpt,
    date_published: new Date(post.publishedMs).toISOString(),
    date_modified: new Date(post.updatedMs).toISOString(),
    authors: [{ name: post.author }],
    tags: post.categories,
    ...(enclosure === null
      ? {}
      : { attachments: [{ url: enclosure.url, mime_type: enclosure.type, size_in_bytes: enclosure.bytes }] }),
  }
}
