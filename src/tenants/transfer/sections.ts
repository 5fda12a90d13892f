import {
  bytes,
  hash22,
  id,
  integer,
  isEnclosures,
  isObject,
  isTexts,
  json,
  longText,
  matching,
  oneOf,
  orNull,
  type Rule,
  text,
  webUrl,
  word,
} from './rules.js'

export type SectionName =
  | 'feeds'
  | 'posts'
  | 'tombstones'
  | 'counters'
  | 'media'
  | 'media_links'
  | 'event_counts'
  | 'event_days'
  | 'event_visitors'
  | 'event_batches'
  | 'events'

/** One table in a file. */
export interface Section {
  readonly table: SectionName
  /** The version of the tenant schema that brought the table. */
  readonly since: number
  /** Columns that rows are ordered by and told apart by, behind the tenant's. */
  readonly key: readonly string[]
  /** Columns that may be so long that rows are fetched by their size. */
  readonly long: readonly string[]
  readonly bytes: readonly string[]
  readonly columns: Readonly<Record<string, Rule>>
  /** Columns that came later than the table: a file of an earlier version has none, and null is read. */
  readonly later: Readonly<Record<string, number>>
}

type Given = Pick<Section, 'table' | 'key' | 'columns'> & Partial<Section>

const section = (given: Given): Section => ({ since: 1, long: [], bytes: [], later: {}, ...given })

/** Bytes of the largest sketch. */
const SKETCH_BYTES = 4_200
const SHA256 = matching(/^[0-9a-f]{64}$/)
const MD5 = matching(/^[0-9a-f]{32}$/)

/**
 * What of a tenant is in a file, in this order. Left out is what another catalog does not know (numbers of sources: feeds have their URL), what the database works
 * out by itself, and who may write.
 */
export const SECTIONS: readonly Section[] = [
  section({
    table: 'feeds',
    key: ['id'],
    later: { keep_days: 2, keep_posts: 2, alert: 2 },
    columns: {
      id,
      url: webUrl(2_048),
      title: orNull(text()),
      version: orNull(hash22),
      stored_at: orNull(integer),
      keep_days: orNull(integer),
      keep_posts: orNull(integer),
      alert: orNull(json(isObject)),
      created_at: integer,
    },
  }),
  section({
    table: 'posts',
    key: ['id'],
    long: ['content', 'enclosures'],
    later: { image: 2 },
    columns: {
      id,
      feed_id: id,
      guid: text(),
      guid_hash: hash22,
      content_hash: hash22,
      url: orNull(webUrl()),
      title: text(),
      author: orNull(text()),
      published_at: orNull(integer),
      updated_at: orNull(integer),
      content: longText,
      categories: json(isTexts),
      image: orNull(webUrl()),
      enclosures: json(isEnclosures, 16_777_215),
      created_at: integer,
      changed_at: integer,
    },
  }),
  section({
    table: 'tombstones',
    since: 2,
    key: ['feed_id', 'guid_hash'],
    columns: { feed_id: id, guid_hash: hash22, deleted_at: integer },
  }),
  section({
    table: 'counters',
    key: ['name'],
    columns: { name: oneOf('feeds', 'posts', 'media', 'media_posts', 'events'), next: id },
  }),
  section({
    table: 'media',
    since: 3,
    key: ['id'],
    long: ['parts'],
    columns: {
      id,
      name: text(1_024 * 4),
      name_hash: hash22,
      state: oneOf('seen', 'hashed', 'uploading', 'uploaded', 'verified', 'switched', 'grace', 'deleted'),
      state_at: integer,
      bytes: integer,
      sha256: orNull(SHA256),
      md5: orNull(MD5),
      type: orNull(text()),
      identity: orNull(text()),
      upload_id: orNull(text()),
      parts: orNull(longText),
      etag: orNull(text()),
      attempts: integer,
      failure_code: orNull(text()),
      failure_message: orNull(text()),
      delete_after: orNull(integer),
      unlinked_at: orNull(integer),
      created_at: integer,
    },
  }),
  section({
    table: 'media_links',
    since: 3,
    key: ['post_id', 'url_hash'],
    columns: {
      post_id: id,
      url_hash: hash22,
      url: webUrl(),
      kind: oneOf('image', 'enclosure'),
      media_id: orNull(id),
      state: oneOf('waiting', 'stored', 'refused', 'failed'),
      attempts: integer,
      next_at: orNull(integer),
      failure_code: orNull(text(40)),
      failure_message: orNull(text()),
      created_at: integer,
    },
  }),
  section({
    table: 'event_counts',
    since: 4,
    key: ['minute', 'post_id', 'kind'],
    columns: { minute: integer, post_id: integer, kind: word, events: integer },
  }),
  section({
    table: 'event_days',
    since: 4,
    key: ['day', 'post_id', 'kind'],
    columns: { day: integer, post_id: integer, kind: word, events: integer },
  }),
  section({
    table: 'event_visitors',
    since: 4,
    key: ['day', 'post_id', 'kind'],
    bytes: ['sketch'],
    columns: { day: integer, post_id: integer, kind: word, sketch: bytes(SKETCH_BYTES) },
  }),
  section({
    table: 'event_batches',
    since: 4,
    key: ['batch_id'],
    columns: { batch_id: matching(/^[!-~]{1,64}$/), events: integer, applied_at: integer },
  }),
  section({
    table: 'events',
    since: 4,
    key: ['day', 'id'],
    columns: {
      day: integer,
      id: integer,
      at: integer,
      kind: word,
      post_id: integer,
      visitor: orNull(matching(/^[0-9a-f]{16}$/)),
      extra: orNull(text()),
    },
  }),
]
