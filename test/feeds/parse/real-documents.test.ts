import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from './documents.js'

const FOLDER = '../shared/feeds'
const missing = !existsSync(FOLDER)

describe.skipIf(missing)(`the documents of ${FOLDER}${missing ? ' (the folder is missing)' : ''}`, () => {
  it.each([
    ['content-encoded.rss', 'rss', 7, { title: 'THE CREATIVE FORAGER', author: 'Jeremy Puma', publishedAt: 1523300138000 }],
    ['craigslist.rss', 'rdf', 25, { guid: 'http://sfbay.craigslist.org/eby/apa/6186664607.html', publishedAt: 1498066390000 }],
    [
      'feedburner.atom',
      'atom',
      25,
      { author: 'Google Ads Developer Advisor', publishedAt: 1464964680000, updatedAt: 1464964702568 },
    ],
    ['giantbomb-podcast.rss', 'rss', 730, { guid: '1600-2823', title: 'Giant Bombcast 603: Call of Tuesday' }],
    ['guardian.rss', 'rss', 55, { author: 'David Smith in Washington', publishedAt: 1517383565000 }],
    ['heise.atom', 'atom', 15, { guid: 'http://heise.de/-3088438', publishedAt: 1454343720000, updatedAt: 1454345690000 }],
    ['itunes-href.rss', 'rss', 10, { author: 'Transfermarkt', publishedAt: 1546877959000 }],
    ['jsonfeed-11.json', 'json', 1, { guid: 'id', url: 'https://sample-json-feed.com/id', content: '<p>content_html</p>' }],
    ['reddit-home.rss', 'atom', 24, { guid: 't3_42tizy', categories: ['/r/funny'], author: '/u/AngryRedditorsBelow' }],
    [
      'uolNoticias.rss',
      'rss',
      15,
      {
        title: 'Ibope: Bolsonaro perde de Haddad, Ciro e Alckmin em simula\u00e7\u00f5es de 2\u00ba turno',
        publishedAt: Date.UTC(2018, 8, 24, 22, 42, 40),
      },
    ],
  ])('%s is %s with %i posts', async (name, format, count, first) => {
    const document = await parse(readFileSync(`${FOLDER}/${name}`))
    expect(document.format).toBe(format)
    expect(document.title).not.toBe('')
    expect(document.notices).toEqual([])
    expect(document.posts).toHaveLength(count)
    expect(document.posts[0]).toMatchObject(first)
    expect(new Set(document.posts.map(post => post.guidHash)).size).toBe(count)
    expect(JSON.stringify(document)).not.toMatch(/<script|"javascript:|\uFFFD/i)
  })

  it('the podcast has an enclosure in every post', async () => {
    const { posts } = await parse(readFileSync(`${FOLDER}/giantbomb-podcast.rss`))
    expect(posts.filter(post => post.enclosures.length === 1 && post.enclosures[0]?.type === 'audio/mpeg')).toHaveLength(
      posts.length,
    )
    expect(posts[0]?.enclosures[0]).toMatchObject({ bytes: 105003355 })
    expect(posts[0]?.image).toMatch(/mspac-marquee-full\.jpg/)
    expect(posts.filter(post => post.image === null)).toHaveLength(0)
  })
})
