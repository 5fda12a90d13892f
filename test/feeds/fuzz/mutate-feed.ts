import type { Random } from '../../../src/bench/feed-server/random.js'
import type { Mutators } from './mutator.js'
import { DATES, NUMBERS, TEXTS, URLS } from './odd-values.js'
import { atElement, atTag } from './places.js'

const DATE_NAMES = ['pubDate', 'published', 'updated', 'dc:date', 'lastBuildDate', 'modified', 'issued']
const URL_NAMES = ['link', 'guid', 'id', 'url', 'comments', 'wfw:commentRss', 'logo', 'icon']
const TEXT_NAMES = [
  'title',
  'description',
  'content',
  'content:encoded',
  'summary',
  'dc:creator',
  'author',
  'name',
  'category',
  'language',
  'guid',
  'itunes:summary',
]
const NUMBER_NAMES = ['ttl', 'hour', 'sy:updateFrequency', 'itunes:duration', 'width']

const ADDITIONS = [
  '<enclosure url="http://h.example/a.mp3" length="1e999" type="audio/mpeg"/>',
  '<enclosure/>',
  '<enclosure url="" length="" type=""/>',
  '<link rel="enclosure" href="javascript:x" length="-1" type="\0"/>',
  '<link rel="alternate" href="http://h.example/other"/>',
  '<link>http://h.example/second</link>',
  '<guid isPermaLink="true">not a url</guid>',
  '<id/>',
  '<media:group><media:content url="http://h.example/v.mp4" fileSize="x" isDefault="true"/><media:thumbnail url="//h.example/t.jpg" width="1"/></media:group>',
  '<media:content url="javascript:x"><media:thumbnail/><media:description type="html">&lt;b&gt;</media:description></media:content>',
  '<itunes:image href="http://h.example/i.jpg"/><itunes:author/><itunes:duration>99:99:99:99</itunes:duration>',
  '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><script>x</script><p onclick="y">z</p></div></content>',
  '<content type="application/octet-stream">PHNjcmlwdD4=</content><content mode="base64" type="text/html">!!!!</content>',
  '<content src="http://h.example/c"/>',
  '<title type="xhtml"><div>x<b>y</b></div></title>',
  '<sy:updatePeriod>yearly</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency><sy:updateBase>x</sy:updateBase>',
  '<skipHours><hour>25</hour><hour>-1</hour><hour/></skipHours><skipDays><day>Someday</day></skipDays>',
  '<author><name>A</name><name>B</name><email/></author><author/>',
  '<source url="x"><title>s</title></source>',
  `<category>${'c'.repeat(500)}</category>${'<category>same</category>'.repeat(60)}`,
  '<category term="" label="" scheme="x"/>',
  '<ttl>99999999999</ttl><ttl>x</ttl>',
]

function setInner(text: string, random: Random, names: readonly string[], values: readonly string[]): string {
  const value = random.pick(values)
  return atElement(text, random, random.pick(names), (start, _inner, end) => start + value + end)
}

/** At most 200 KB of copies. */
function copies(entry: string, random: Random): string {
  return entry.repeat(Math.max(1, Math.min(random.pick([1, 2, 40, 1_500]), Math.floor(200_000 / (entry.length + 1)))))
}

function entryName(text: string): string {
  return text.includes('</entry>') ? 'entry' : 'item'
}

export const FEED: Mutators = {
  oddDate: (text, random) => setInner(text, random, DATE_NAMES, DATES),
  oddUrl: (text, random) => setInner(text, random, URL_NAMES, URLS),
  oddText: (text, random) => setInner(text, random, TEXT_NAMES, TEXTS),
  oddNumber: (text, random) => setInner(text, random, NUMBER_NAMES, NUMBERS),
  oddHref: (text, random) => {
    const value = random.pick(URLS)
    return atTag(text, random, tag =>
      tag.replace(/((?:href|url|src|rdf:about|rdf:resource)=")[^"]*/, (_all, start: string) => start + value),
    )
  },
  addToEntry: (text, random) =>
    atElement(text, random, entryName(text), (start, inner, end) => start + inner + random.pick(ADDITIONS) + end),
  addToFeed: (text, random) => text.replace(/<(?:item|entry)[\s>]/, first => random.pick(ADDITIONS) + first),
  repeatEntry: (text, random) =>
    atElement(text, random, entryName(text), (start, inner, end) => copies(start + inner + end, random)),
  emptyEntry: (text, random) => atElement(text, random, entryName(text), (start, _inner, end) => start + end),
  dropField: (text, random) => atElement(text, random, random.pick([...DATE_NAMES, ...URL_NAMES, ...TEXT_NAMES]), () => ''),
  doubleField: (text, random) =>
    atElement(text, random, random.pick([...DATE_NAMES, ...URL_NAMES, ...TEXT_NAMES]), (...parts) => parts.join('').repeat(2)),
  sameGuids: (text, random) => {
    const guid = random.pick(['same', '', 'http://h.example/same', 'x'.repeat(2_500), '\xED\xA0\x80'])
    return text.replaceAll(/(<(?:guid|id)(?:\s[^<>]*)?>)[^<]*/g, (_all, start: string) => start + guid)
  },
  splice: (text, random, seeds) => {
    const other = random.pick(seeds).short
    return text.slice(0, random.below(text.length + 1)) + other.slice(random.below(other.length + 1))
  },
  adoptEntry: (text, random, seeds) => {
    const other = random.pick(seeds).short
    const entry = /<(item|entry)[\s>][\s\S]*?<\/\1>/.exec(other)?.[0] ?? ''
    return atElement(text, random, entryName(text), (...parts) => parts.join('') + entry)
  },
}
