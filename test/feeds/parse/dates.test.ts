import { describe, expect, it } from 'vitest'
import { parseDate } from '../../../src/feeds/parse/dates.js'
import { item, parse, rss } from './documents.js'

const NOW = Date.UTC(2030, 0, 1)

function readsAs(rows: readonly (readonly [text: string, iso: string])[]): void {
  it.each(rows)('reads %j as %s', (text, iso) => {
    expect(parseDate(text, NOW)).toBe(Date.parse(iso))
  })
}

it.each([
  'Mon, 01 Jan 0001 00:00:00 +0000',
  'Mon, 01 Jan 0001 00:00:00 GMT',
  '0001-01-01T00:00:00Z',
  '0099-12-31T00:00:00Z',
  'Sat, 31 Dec 0099 00:00:00 GMT',
  '31 December 0070',
  '0070-001',
  '0070-W05-6',
  'Wed, 30 Nov -0001 00:00:00 +0000',
])('%j, which programs write for no date, is none', text => {
  expect(parseDate(text, NOW)).toBeNull()
})

it('the first date of a post that can be read counts', async () => {
  const good = '<dc:date>2026-01-02T03:04:05Z</dc:date>'
  const { posts } = await parse(
    rss(
      item(1, `<pubDate>Invalid Date</pubDate>${good}`),
      item(2, '<pubDate>Mon, 01 Jan 0001 00:00:00 +0000</pubDate><atom:updated>2026-01-02T03:04:05Z</atom:updated>'),
      item(3, `<pubDate>1 Feb 2026 GMT</pubDate>${good}`),
    ),
  )
  const second = Date.UTC(2026, 0, 2, 3, 4, 5)
  expect(posts.map(post => post.publishedAt)).toEqual([second, second, Date.UTC(2026, 1, 1)])
})

describe('RFC 822 and what is made of it', () => {
  readsAs([
    ['Sat, 31 Jan 2026 10:20:30 GMT', '2026-01-31T10:20:30Z'],
    ['Sat, 31 Jan 2026 10:20:30 +0100', '2026-01-31T09:20:30Z'],
    ['Sat, 31 Jan 2026 10:20:30 -05:30', '2026-01-31T15:50:30Z'],
    ['Sat, 31 Jan 2026 10:20:30 +01', '2026-01-31T09:20:30Z'],
    ['Sat, 31 Jan 2026 10:20:30 \u22120100', '2026-01-31T11:20:30Z'],
    ['31 Jan 26 10:20 EST', '2026-01-31T15:20:00Z'],
    ['31 Jan 99 10:20 PDT', '1999-01-31T17:20:00Z'],
    ['Sat, 31 Jan 2026 10:20:30 ET', '2026-01-31T15:20:30Z'],
    ['31 Jan 2026 10:20 PT', '2026-01-31T18:20:00Z'],
    ["31 Jan '26 10:20 GMT", '2026-01-31T10:20:00Z'],
    ['31 Jan 126 10:20 GMT', '2026-01-31T10:20:00Z'],
    ['Sat,31 Jan 2026 10:20:30 Z', '2026-01-31T10:20:30Z'],
    ['Sat,  31  Jan  2026   10:20:30   GMT', '2026-01-31T10:20:30Z'],
    ['Sat, 31 Jan 2026 10:20:30Z', '2026-01-31T10:20:30Z'],
    ['Sat 31 Jan 2026 10:20:30 GMT', '2026-01-31T10:20:30Z'],
    ['Sat, 31-Jan-2026 10:20:30 GMT', '2026-01-31T10:20:30Z'],
    ['Saturday, 31-Jan-26 10:20:30 UT', '2026-01-31T10:20:30Z'],
    ['Wrong, 1 February 2026 9:05:00 CEST', '2026-02-01T07:05:00Z'],
    ['Tue, 1 Sept 2026 9:05:00 GMT', '2026-09-01T09:05:00Z'],
    ['Tue, 1 Septembre 2026 9:05:00 GMT', '2026-09-01T09:05:00Z'],
    ['Sat, 31 January 2026 10:20', '2026-01-31T10:20:00Z'],
    ['Sat, 31 Jan 2026 10:20:30 GMT+0200', '2026-01-31T08:20:30Z'],
    ['Sat, 31 Jan 2026 10:20:30 UTC+1', '2026-01-31T09:20:30Z'],
    ['Sat, 31 Jan 2026 10:20:30 -0500 (EST)', '2026-01-31T15:20:30Z'],
    ['Sat, 31 Jan 2026 10:20:30 EST-0500', '2026-01-31T15:20:30Z'],
    ['Sat, 31 Jan 2026 10:20:30 XYZ', '2026-01-31T10:20:30Z'],
    ['Sat, 31 Jan 2026 10:20:30 A', '2026-01-31T10:20:30Z'],
    ['Sat, 31 Jan 2026 10:20:30 +9900', '2026-01-31T10:20:30Z'],
    ['Sat, 31 Jan 2026 10:20:30', '2026-01-31T10:20:30Z'],
    ['Sat, 31 Jan 2026', '2026-01-31T00:00:00Z'],
    ['Sat, 31 Jan 2026 10:20:60 GMT', '2026-01-31T10:20:59Z'],
    ['Sat, 31 Jan 2026 24:00:00 GMT', '2026-02-01T00:00:00Z'],
    ['Sat, 31 Jan 2026 10:20:30.250 GMT', '2026-01-31T10:20:30.250Z'],
    ['10:20:30 31 Jan 2026 GMT', '2026-01-31T10:20:30Z'],
    ['Sat Jan 31 10:20:30 CET 2026', '2026-01-31T09:20:30Z'],
    ['Sat Jan 31 10:20:30 2026', '2026-01-31T10:20:30Z'],
    ['Sat Jan 31 10:20:30 +0100 2026', '2026-01-31T09:20:30Z'],
    ['Sat Jan 31 2026 10:20:30 GMT+0100 (Central European Standard Time)', '2026-01-31T09:20:30Z'],
    ['Sat, Jan 31 2026 10:20:30 GMT', '2026-01-31T10:20:30Z'],
  ])
})

describe('ISO 8601', () => {
  readsAs([
    ['2026-01-31T10:20:30Z', '2026-01-31T10:20:30Z'],
    ['2026-01-31T10:20:30.123456+01:00', '2026-01-31T09:20:30.123Z'],
    ['2026-01-31T10:20:30,5Z', '2026-01-31T10:20:30.500Z'],
    ['2026-01-31T10:20:30+0100', '2026-01-31T09:20:30Z'],
    ['2026-01-31T10:20:30 +01:00', '2026-01-31T09:20:30Z'],
    ['2026-01-31T10:20Z', '2026-01-31T10:20:00Z'],
    ['2026-01-31T10Z', '2026-01-31T10:00:00Z'],
    ['2026-01-31t10:20:30z', '2026-01-31T10:20:30Z'],
    ['2026-01-31T24:00:00Z', '2026-02-01T00:00:00Z'],
    ['2026-01-31 10:20:30', '2026-01-31T10:20:30Z'],
    ['2026-01-31 10:20:30 +0100', '2026-01-31T09:20:30Z'],
    ['2026-01-31 10:20:30 EST', '2026-01-31T15:20:30Z'],
    ['2026-01-31 10:20 PM', '2026-01-31T22:20:00Z'],
    ['2026-01-31-10:20:30', '2026-01-31T10:20:30Z'],
    ['2026-01-31+01:00', '2026-01-30T23:00:00Z'],
    ['2026-01-31Z', '2026-01-31T00:00:00Z'],
    ['2026-1-5', '2026-01-05T00:00:00Z'],
    ['2026/01/31 10:20', '2026-01-31T10:20:00Z'],
    ['20260131', '2026-01-31T00:00:00Z'],
    ['20260131T102030Z', '2026-01-31T10:20:30Z'],
    ['20260131T1020+0100', '2026-01-31T09:20:00Z'],
    ['20260131102030', '2026-01-31T10:20:30Z'],
    ['202601311020', '2026-01-31T10:20:00Z'],
    ['2026-01', '2026-01-01T00:00:00Z'],
    ['2026', '2026-01-01T00:00:00Z'],
    ['  2026-01-31\n', '2026-01-31T00:00:00Z'],
    ['2026-W05-6', '2026-01-31T00:00:00Z'],
    ['2026W056T10:20Z', '2026-01-31T10:20:00Z'],
    ['2020-W53', '2020-12-28T00:00:00Z'],
    ['2021-W01-1', '2021-01-04T00:00:00Z'],
    ['2026-031', '2026-01-31T00:00:00Z'],
    ['2024366T10:20:30Z', '2024-12-31T10:20:30Z'],
  ])
})

describe('months in other languages', () => {
  const year = (names: string) => names.split(' ').map((name, month) => [name, month] as const)
  it.each([
    ['English', 'January February March April May June July August September October November December'],
    ['English, short', 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'],
    ['French', 'janvier f\u00e9vrier mars avril mai juin juillet ao\u00fbt septembre octobre novembre d\u00e9cembre'],
    ['French, short', 'janv. f\u00e9vr. mars avr. mai juin juil. ao\u00fbt sept. oct. nov. d\u00e9c.'],
    ['French without accents', 'janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre'],
    ['German', 'Januar Februar M\u00e4rz April Mai Juni Juli August September Oktober November Dezember'],
    ['German, short', 'J\u00e4n. Feb. M\u00e4r. Apr. Mai Jun. Jul. Aug. Sep. Okt. Nov. Dez.'],
    ['German without accents', 'Jaenner Feber Maerz April Mai Juni Juli August September Oktober November Dezember'],
    ['Spanish', 'enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre'],
    ['Spanish, short', 'ene. feb. mar. abr. may. jun. jul. ago. sept. oct. nov. dic.'],
    ['Italian', 'gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre'],
    ['Portuguese', 'janeiro fevereiro mar\u00e7o abril maio junho julho agosto setembro outubro novembro dezembro'],
    ['Dutch', 'januari februari maart april mei juni juli augustus september oktober november december'],
    ['Dutch, short', 'jan. feb. mrt. apr. mei jun. jul. aug. sep. okt. nov. dec.'],
    ['Polish', 'stycznia lutego marca kwietnia maja czerwca lipca sierpnia wrze\u015bnia pa\u017adziernika listopada grudnia'],
    [
      'Russian',
      '\u044f\u043d\u0432\u0430\u0440\u044f \u0444\u0435\u0432\u0440\u0430\u043b\u044f \u043c\u0430\u0440\u0442\u0430 \u0430\u043f\u0440\u0435\u043b\u044f \u043c\u0430\u044f \u0438\u044e\u043d\u044f \u0438\u044e\u043b\u044f \u0430\u0432\u0433\u0443\u0441\u0442\u0430 \u0441\u0435\u043d\u0442\u044f\u0431\u0440\u044f \u043e\u043a\u0442\u044f\u0431\u0440\u044f \u043d\u043e\u044f\u0431\u0440\u044f \u0434\u0435\u043a\u0430\u0431\u0440\u044f',
    ],
    [
      'Russian, short',
      '\u044f\u043d\u0432 \u0444\u0435\u0432 \u043c\u0430\u0440 \u0430\u043f\u0440 \u043c\u0430\u0439 \u0438\u044e\u043d \u0438\u044e\u043b \u0430\u0432\u0433 \u0441\u0435\u043d \u043e\u043a\u0442 \u043d\u043e\u044f \u0434\u0435\u043a',
    ],
  ])('reads the twelve in %s, in any case and decomposed', (_language, names) => {
    for (const [name, month] of year(names)) {
      for (const spelling of [name, name.toUpperCase(), name.normalize('NFD')]) {
        expect([spelling, parseDate(`3 ${spelling} 2026 10:20`, NOW)]).toEqual([spelling, Date.UTC(2026, month, 3, 10, 20)])
      }
    }
  })

  readsAs([
    ['Seg, 24 Set 2018 19:42:40 -0300', '2018-09-24T22:42:40Z'],
    ['Do, 5 M\u00e4r 2026 01:00:00 MEZ', '2026-03-05T00:00:00Z'],
    ['lun., 3 f\u00e9vr. 2026 10:00', '2026-02-03T10:00:00Z'],
    ['mar. 3 f\u00e9vr. 2026 \u00e0 10h20', '2026-02-03T10:20:00Z'],
    ['mar, 3 mar 2026 10:00:00 +0100', '2026-03-03T09:00:00Z'],
    ['1er mars 2026', '2026-03-01T00:00:00Z'],
    ['Montag, 2. Februar 2026, 10:20 Uhr', '2026-02-02T10:20:00Z'],
    ['Montag, 2. Februar 2026, 10 Uhr', '2026-02-02T10:00:00Z'],
    ['Montag, 02.02.2026 10:20', '2026-02-02T10:20:00Z'],
    ['2 de febrero de 2026', '2026-02-02T00:00:00Z'],
    ['2 de febrero de 2026 a las 10:20', '2026-02-02T10:20:00Z'],
    ['2\u00ba de fevereiro de 2026, 10h20', '2026-02-02T10:20:00Z'],
    ['2026\u5e741\u670831\u65e5 10:20', '2026-01-31T10:20:00Z'],
    ['2026\u5e741\u670831\u65e5 \u4e0b\u53485:20', '2026-01-31T17:20:00Z'],
    ['2026\ub144 01\uc6d4 31\uc77c \uc624\ud6c4 05:20:30', '2026-01-31T17:20:30Z'],
  ])
})

describe('what programs and people write', () => {
  readsAs([
    ['January 31, 2026 3:05 PM', '2026-01-31T15:05:00Z'],
    ['January 31st, 2026 at 3:05 p.m. EST', '2026-01-31T20:05:00Z'],
    ['Jan 31, 2026, 12:05 am', '2026-01-31T00:05:00Z'],
    ['Jan 31, 2026, 12:05 pm', '2026-01-31T12:05:00Z'],
    ['Saturday, January 31, 2026 3pm', '2026-01-31T15:00:00Z'],
    ['31st of January 2026', '2026-01-31T00:00:00Z'],
    ['2026 Jan 31 10:20', '2026-01-31T10:20:00Z'],
    ['02/28/2026', '2026-02-28T00:00:00Z'],
    ['02/03/2026 10:20:30 PM', '2026-02-03T22:20:30Z'],
    ['28/02/2026 10:20', '2026-02-28T10:20:00Z'],
    ['03.02.2026', '2026-02-03T00:00:00Z'],
    ['1769854830', '2026-01-31T10:20:30Z'],
    ['1769854830.5', '2026-01-31T10:20:30Z'],
    ['1769854830123', '2026-01-31T10:20:30.123Z'],
  ])
})

it.each([
  ['31 Feb 2026 10:00:00 GMT', '2026-02-28T10:00:00Z'],
  ['2024-02-31', '2024-02-29T00:00:00Z'],
  ['31 Jun 2026', '2026-06-30T00:00:00Z'],
])('takes the last day of the month for one it lacks: %j', (text, iso) => {
  expect(parseDate(text, NOW)).toBe(Date.parse(iso))
})

it.each([
  '',
  ' ',
  'yesterday',
  'Sat, 31 Foo 2026 10:00:00 GMT',
  '2026-13-01',
  '2026-00-00',
  '2026-01-32',
  '2026-01-31T25:00:00Z',
  '2026-01-31T24:01:00Z',
  '2026-01-31T10:60:00Z',
  '2026-000',
  '2026-W60-1',
  '0000-00-00 00:00:00',
  '13/13/2026',
  '32/01/2026',
  '10:20:30',
  'Jan 31',
  '0001-01-01T00:00:00Z',
  '1969-12-31',
  'Wed, 31 Dec 1969 23:59:59 GMT',
  '-1769854830',
  'constructor 3 __proto__ 2026',
  'x'.repeat(10_000),
  null,
])('gives null for %j', text => {
  expect(parseDate(text, NOW)).toBeNull()
})

it('gives now for what is later', () => {
  expect(parseDate('2031-01-01', NOW)).toBe(NOW)
  expect(parseDate('Thu, 31 Dec 9999 23:59:59 GMT', NOW)).toBe(NOW)
  expect(parseDate('1969-12-31T23:59:59-01:00', NOW)).toBe(3_599_000)
})

it('reads a plain date the same as one that is almost plain', () => {
  const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
  for (const [index, month] of months.entries()) {
    for (const day of [1, 9, 10, 28, 29, 30]) {
      for (const zone of ['GMT', '+0130', '-1400', '-0000']) {
        const text = `Wed, ${day} ${month} 1999 23:59:59 ${zone}`
        expect([text, parseDate(text, NOW)]).toEqual([text, parseDate(text.replace(',', ' ,').toLowerCase(), NOW)])
      }
      const iso = `1999-${String(index + 1).padStart(2, '0')}-${String(day).padStart(2, '0')}T00:00:00.25-03:30`
      expect([iso, parseDate(iso, NOW)]).toEqual([iso, parseDate(iso.replace('T', ' '), NOW)])
    }
  }
})

it('does not backtrack without end over long runs', () => {
  const runs = ['1', ' ', 'a', '-', '.', ',', '1 ', 'a1', 'jan ', '1.', 'de ', '1-a-', '10:', '\u5e74', '20 jan ', '.,/-']
  const start = process.cpuUsage()
  for (const run of runs) {
    const filled = run.repeat(200)
    for (let length = 1; length <= 200; length++) {
      for (const lead of ['', '1 jan', 'jan 1 ', '2026']) parseDate((lead + filled).slice(0, length), NOW)
    }
  }
  const { user, system } = process.cpuUsage(start)
  // 12,800 dates: 0.2 s of processor time. A single one that backtracks without end takes minutes.
  expect(user + system).toBeLessThan(20_000_000)
})
