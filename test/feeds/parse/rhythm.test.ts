import { describe, expect, it } from 'vitest'
import { atom, item, NOW, parse, RSS, rss } from './documents.js'

const rhythm = async (inner: string) => (await parse(rss().replace('<ttl>90</ttl>', inner))).rhythm

describe('what a feed asks for', () => {
  it.each([
    ['<ttl>60</ttl>', 60],
    ['<ttl>0</ttl>', null],
    ['<ttl>-5</ttl>', null],
    ['<ttl>soon</ttl>', null],
    ['<ttl>99999999</ttl>', 7 * 24 * 60],
  ])('by %s is %s minutes', async (inner, ttlMinutes) => {
    expect(await rhythm(inner)).toMatchObject({ ttlMinutes })
  })

  it.each([
    ['<sy:updatePeriod>hourly</sy:updatePeriod>', 60],
    ['<sy:updatePeriod> Hourly\n</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>', 15],
    ['<sy:updateFrequency>2</sy:updateFrequency>', 720],
    ['<sy:updatePeriod>weekly</sy:updatePeriod>', 7 * 24 * 60],
    ['<sy:updatePeriod>monthly</sy:updatePeriod>', 30 * 24 * 60],
    ['<sy:updatePeriod>yearly</sy:updatePeriod>', 365 * 24 * 60],
    ['<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>', 24 * 60],
    ['<sy:updatePeriod>often</sy:updatePeriod>', null],
    ['', null],
  ])('by %s is an update every %s minutes', async (inner, updateMinutes) => {
    expect(await rhythm(inner)).toMatchObject({ updateMinutes })
  })

  it('is to skip hours and days, named in any case, each once, in order', async () => {
    const hours = '<skipHours><hour>24</hour><hour>7</hour><hour>07</hour><hour>25</hour><hour>x</hour></skipHours>'
    const days = '<skipDays><day>SUNDAY</day><day>saturday</day><day>Sun</day><day>Holiday</day></skipDays>'
    expect(await rhythm(hours + days)).toMatchObject({ skipHours: [0, 7], skipDays: [0, 6] })
    expect(await rhythm('<skipHours>1, 2 3</skipHours>')).toMatchObject({ skipHours: [1, 2, 3] })
  })

  it('is ignored when it would skip every hour or every day', async () => {
    const hours = Array.from({ length: 24 }, (_, hour) => `<hour>${hour}</hour>`)
    const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].map(day => `<day>${day}</day>`)
    expect(await rhythm(`<skipHours>${hours.join('')}</skipHours><skipDays>${days.join('')}</skipDays>`)).toMatchObject({
      skipHours: [],
      skipDays: [],
    })
    expect(await rhythm(`<skipHours>${hours.slice(1).join('')}</skipHours>`)).toMatchObject({
      skipHours: Array.from({ length: 23 }, (_, n) => n + 1),
    })
  })

  it('is found beside the channel and in Atom', async () => {
    const beside = RSS.replace('<channel>', '<ttl>30</ttl><sy:updatePeriod>daily</sy:updatePeriod><channel>').replace(
      '<ttl>90</ttl>',
      '',
    )
    expect((await parse(beside)).rhythm).toMatchObject({ ttlMinutes: 30, updateMinutes: 1440 })
    const inAtom = atom().replace(
      '<subtitle>',
      '<sy:updatePeriod>hourly</sy:updatePeriod><skipDays><day>Monday</day></skipDays><subtitle>',
    )
    expect((await parse(inAtom)).rhythm).toMatchObject({ updateMinutes: 60, skipDays: [1] })
  })
})

describe('what its posts show', () => {
  const dated = (...minutes: readonly number[]) =>
    rss(...minutes.map((minute, n) => item(n, `<pubDate>${new Date(NOW - minute * 60_000).toUTCString()}</pubDate>`)))

  it('is the median time between them, in whatever order they stand', async () => {
    expect((await parse(dated(0, 10, 20, 1_000))).rhythm.postIntervalMs).toBe(10 * 60_000)
    expect((await parse(dated(1_000, 0, 20))).rhythm.postIntervalMs).toBe(500 * 60_000)
  })

  it('is nothing with fewer than three dates', async () => {
    expect((await parse(dated(0, 10))).rhythm.postIntervalMs).toBeNull()
    expect((await parse(rss(item(1), item(2), item(3)))).rhythm.postIntervalMs).toBeNull()
  })

  it('comes from the newest twenty', async () => {
    const recent = Array.from({ length: 20 }, (_, n) => n * 5)
    const old = Array.from({ length: 100 }, (_, n) => 10_000 + n * 500)
    expect((await parse(dated(...old, ...recent))).rhythm.postIntervalMs).toBe(5 * 60_000)
  })
})
