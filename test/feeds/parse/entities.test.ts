import { describe, expect, it } from 'vitest'
import { item, parse, rss } from './documents.js'

const withDoctype = (doctype: string, inner: string) => rss(item(1, inner)).replace('?>\n', `?>\n${doctype}\n`)
const content = async (document: string) => (await parse(document)).posts[0]?.content

describe('entities of HTML', () => {
  it('need no declaration, in texts and in attributes', async () => {
    const document = rss(
      '<item><title>Caf&eacute; &mdash; &rarr;</title><guid>1</guid><enclosure url="https://s.example/&eacute;.mp3" type="a&amp;b"/></item>',
    )
    expect((await parse(document)).posts[0]).toMatchObject({
      title: 'Caf\u00e9 \u2014 \u2192',
      enclosures: [{ url: 'https://s.example/%C3%A9.mp3', type: 'a&b' }],
    })
  })

  it('are read in texts of any length, wherever they stand', async () => {
    const text = Array.from({ length: 30_000 }, (_, n) => `${'.'.repeat(n % 7)}&eacute;`).join('')
    expect(await content(rss(item(1, `<description>${text}</description>`)))).toBe(text.replaceAll('&eacute;', '\u00e9'))
  })

  it('are left alone in CDATA and comments', async () => {
    expect(
      await content(rss(item(1, '<!-- &nbsp; --><x>&nbsp;</x><description><![CDATA[&amp;eacute; & <b>x</b>]]></description>'))),
    ).toBe('&amp;eacute; &amp; <b>x</b>')
  })

  it('that nobody knows are text, and characters that XML forbids are gone', async () => {
    expect(await content(rss(item(1, '<description>a &foo; &bar b&#0;&#xD800;&#x110000;c &#x1F600;&#233;</description>')))).toBe(
      'a &amp;foo; &amp;bar bc \u{1F600}\u00e9',
    )
  })
})

describe('entities of a DOCTYPE', () => {
  it('are expanded when they are text, in either quotes, with brackets and comments in them', async () => {
    const doctype = `<!DOCTYPE rss [
<!ENTITY one "first ] text > here"> <!-- <!ENTITY two "hidden"> ]> -->
<!ENTITY two 'second "text"'><!ENTITY three "caf&#233; &amp; &one;"> ]>`
    expect(await content(withDoctype(doctype, '<description>&one; | &two; | &three;</description>'))).toBe(
      'first ] text &gt; here | second "text" | caf\u00e9 &amp; first ] text &gt; here',
    )
  })

  it('are never read from elsewhere, nor as parameters', async () => {
    const doctype = `<!DOCTYPE rss SYSTEM "https://evil.example/x.dtd" [<!ENTITY file SYSTEM "file:///etc/hostname"><!ENTITY pub PUBLIC "a" "https://evil.example/">
<!ENTITY % prm "<!ENTITY inner 'from a parameter'>"> %prm; <!ENTITY own "mine">]>`
    const text = await content(withDoctype(doctype, '<description>&file; &pub; &prm; &inner; &own;</description>'))
    expect(text).toBe('&amp;file; &amp;pub; &amp;prm; &amp;inner; mine')
  })

  it('cannot change what XML means, and become no elements', async () => {
    const doctype = '<!DOCTYPE rss [<!ENTITY lt "x"><!ENTITY markup "</description><title>stolen</title><description>">]>'
    const { posts } = await parse(withDoctype(doctype, '<description>1 &lt; 2 &markup;</description>'))
    expect(posts).toMatchObject([{ title: 'Post 1' }])
    expect(posts[0]?.content).toMatch(/^1 (?:&lt;|<) 2/)
  })

  it('made of others are expanded one level deep, so that a bomb does not go off', async () => {
    const levels = Array.from({ length: 8 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`)
    const doctype = `<!DOCTYPE rss [<!ENTITY l0 "ha">${levels.join('')}]>`
    expect(await content(withDoctype(doctype, '<description>&l1; &l8;</description>'))).toBe(
      `${'ha'.repeat(10)} ${'&amp;l7;'.repeat(10)}`,
    )
  })

  it('come to a bounded length in all', async () => {
    const doctype = `<!DOCTYPE rss [<!ENTITY long "${'x'.repeat(1_000)}"><!ENTITY l2 "${'&long;'.repeat(1_000)}">]>`
    expect(
      (
        await content(withDoctype(doctype, `<description>${'&long;'.repeat(500)}${'&l2;'.repeat(500)}</description>`))
      )?.replaceAll(/[^x]/g, '').length,
    ).toBeLessThanOrEqual(65_536)
  })

  it('that contain themselves end', async () => {
    const doctype = '<!DOCTYPE rss [<!ENTITY a "&b;"><!ENTITY b "&a;">]>'
    expect(await content(withDoctype(doctype, '<description>[&a;]</description>'))).toMatch(/^\[&amp;[ab];\]$/)
  })
})
