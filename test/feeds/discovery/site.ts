import { type Answer, openPublisher, type Publisher } from '../fetch/publisher.js'

export const rss = (title: string, ...dates: string[]) =>
  `<?xml version="1.0"?><rss version="2.0"><channel><title>${title}</title>${dates
    .map((date, n) => `<item><guid>${title}${n}</guid><title>Post ${n}</title><pubDate>${date}</pubDate></item>`)
    .join('')}</channel></rss>`

export const html =
  (body: string): Answer =>
  (_request, response) =>
    void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(`<!DOCTYPE html><html>${body}</html>`)
export const xml =
  (body: string, type = 'application/rss+xml'): Answer =>
  (_request, response) =>
    void response.writeHead(200, { 'content-type': type }).end(body)
export const status =
  (code: number, location?: string): Answer =>
  (_request, response) =>
    void response.writeHead(code, location === undefined ? {} : { location }).end()

const named = (...hrefs: string[]) =>
  hrefs.map(href => `<link rel="alternate" type="application/rss+xml" href="${href}">`).join('')
const FEED = rss('The Blog', 'Sat, 31 Jan 2026 12:00:00 GMT', 'Sun, 01 Feb 2026 08:00:00 GMT')

/** Longer than a source's URL may be. */
const FAR = `/${'far/'.repeat(750)}`
/** So long that nothing beside it can be a source. */
export const DEEP = `/${'deep/'.repeat(394)}`

/** Pages of every kind, each under a folder of its own: the usual places are tried beside it. */
export const SITE: Record<string, Answer> = {
  '/direct.xml': xml(FEED),
  '/direct-as-html.xml': xml(FEED, 'text/html'),
  '/named/': html(named('/direct.xml', '/other.xml')),
  '/other.xml': xml(rss('Comments')),
  '/twice/': html(named('/direct.xml', '/moved.xml', '/sent.xml', '/copy.xml')),
  '/moved.xml': status(301, '/direct.xml'),
  '/sent.xml': status(302, '/direct.xml'),
  '/copy.xml': xml(FEED),
  '/old/': html(named('/moved.xml')),
  '/far': status(301, FAR),
  [FAR]: xml(rss('Far', 'Sun, 01 Feb 2026 08:00:00 GMT')),
  '/marked.xml': status(301, '/direct.xml#top'),
  '/strays/': html(named('/far', '/marked.xml')),
  [DEEP]: html('<p>nothing beside it</p>'),
  '/gone.xml': status(410),
  '/temporary/': html(named('/sent.xml')),
  '/based/': html(`<base href="/elsewhere/">${named('x.xml')}`),
  '/elsewhere/x.xml': xml(rss('Based')),
  '/lies/': html(`${named('/nothing.xml', '/named/')}<a href="/linked/rss.xml">Subscribe</a>`),
  '/linked/rss.xml': xml(rss('Linked')),
  '/queried/': html(named('/q.xml?a=1&amp;b=2')),
  '/q.xml?a=1&b=2': xml(rss('Queried')),
  '/silent/page.html': html('<p>hello</p>'),
  '/silent/atom.xml': xml('<feed xmlns="http://www.w3.org/2005/Atom"><title>Silent</title><id>x</id></feed>'),
  '/silent/index.xml': xml(rss('Never asked')),
  '/@ann': html('<p>a profile</p>'),
  '/@ann.rss': xml(rss('Ann')),
  '/private/@bob': status(403),
  '/nothing/': html('<p>nothing here</p>'),
  '/moved-page': status(301, '/named/'),
  '/broken.xml': xml('<rss><channel><title>x</title><item></chan', 'text/html'),
  '/image': xml('\u0089PNG', 'image/png'),
  '/json': xml('{"a": 1}', 'application/json'),
  '/soft/': html('<p>soft</p>'),
  '/hangs.xml': () => {},
  '/slow/': html(named('/direct.xml', '/hangs.xml')),
  '/inside/': html(named('http://169.254.169.254/feed', 'http://10.0.0.1/feed')),
  '/many/': html(Array.from({ length: 60 }, (_, n) => `<link rel="feed" href="/hop/${n}">`).join('')),
}
for (let n = 0; n < 60; n++) {
  SITE[`/hop/${n}`] = status(302, `/hop/${n}/a`)
  SITE[`/hop/${n}/a`] = status(302, `/hop/${n}/b`)
}

export function openSite(): Promise<Publisher> {
  return openPublisher(SITE)
}
