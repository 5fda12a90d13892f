import { describe, expect, it, test } from 'vitest'
import { Gathering, Unreadable } from '../../src/analytics/event.js'
import { isoTime } from '../../src/analytics/event-time.js'
import { hashVisitor, murmur128 } from '../../src/analytics/visitor-hash.js'
import { parseTenantId } from '../../src/tenants/ids.js'

const NOW = Date.UTC(2026, 10, 29, 12)
const DAY = 86_400_000
const gathering = (options: { tenant?: number; keepsExtras?: boolean } = {}) =>
  new Gathering({ tenantId: parseTenantId(options.tenant ?? 1), size: 10, keepsExtras: options.keepsExtras ?? false })

describe('an event', () => {
  it('is taken with all it says, or with a kind only', () => {
    const events = gathering()
    expect(events.add({ kind: 'view', post_id: 12, visitor: 'ann', at: '2026-11-29T11:59:58.500Z' }, NOW)).toBeNull()
    expect(events.add({ kind: 'click' }, NOW)).toBeNull()
    expect(events.add({ kind: 'view', post_id: null, visitor: null, at: null, odd: { deep: 1 } }, NOW)).toBeNull()
    expect(events.add({ kind: 'view', post_id: Number.MAX_SAFE_INTEGER, visitor: 7, at: NOW - 0.5 }, NOW)).toBeNull()
    const { length, kinds, kind, post, at, visitorHigh, visitorLow, extras } = events.columns()
    expect([length, kinds, extras]).toEqual([4, ['view', 'click'], null])
    expect([...kind]).toEqual([0, 1, 0, 0])
    expect([...post]).toEqual([12, 0, 0, Number.MAX_SAFE_INTEGER])
    expect([...at]).toEqual([NOW - 1500, NOW, NOW, NOW - 1])
    expect([visitorHigh[1], visitorLow[1], visitorHigh[2], visitorLow[2]]).toEqual([0, 0, 0, 0])
    expect(visitorHigh[0]).not.toBe(visitorHigh[3])
    expect(visitorLow[0]).not.toBe(0)
  })

  const KIND = 'kind is not 1 to 32 of a-z 0-9 _ . -, a letter first'
  const POST = 'post_id is no positive whole number'
  const VISITOR = 'visitor is not 1 to 200 characters, nor a number'
  const AT = 'at is neither ISO 8601 with a zone nor epoch milliseconds'
  test.each([
    [null, 'it is no object'],
    ['view', 'it is no object'],
    [[], 'it is no object'],
    [new Unreadable('it is no JSON'), 'it is no JSON'],
    [{}, KIND],
    [{ kind: 7 }, KIND],
    [{ kind: '' }, KIND],
    [{ kind: 'View' }, KIND],
    [{ kind: '1view' }, KIND],
    [{ kind: 'view\n' }, KIND],
    [{ kind: 'a'.repeat(33) }, KIND],
    [{ kind: 'view', post_id: 0 }, POST],
    [{ kind: 'view', post_id: -1 }, POST],
    [{ kind: 'view', post_id: 1.5 }, POST],
    [{ kind: 'view', post_id: '12' }, POST],
    [{ kind: 'view', post_id: 2 ** 53 }, POST],
    [{ kind: 'view', visitor: '' }, VISITOR],
    [{ kind: 'view', visitor: 'x'.repeat(201) }, VISITOR],
    [{ kind: 'view', visitor: {} }, VISITOR],
    [{ kind: 'view', visitor: true }, VISITOR],
    [{ kind: 'view', at: 'yesterday' }, AT],
    [{ kind: 'view', at: '2026-11-29' }, AT],
    [{ kind: 'view', at: [] }, AT],
    [{ kind: 'view', at: NOW + 5 * 60_000 + 1 }, 'at is more than 5 minutes ahead'],
    [{ kind: 'view', at: '2026-11-29T12:05:01Z' }, 'at is more than 5 minutes ahead'],
    [{ kind: 'view', at: NOW - 7 * DAY - 1 }, 'at is more than 7 days ago'],
    [{ kind: 'view', at: -1 }, 'at is more than 7 days ago'],
  ])('%j is refused: %s', (event, words) => {
    const events = gathering()
    expect(events.add(event, NOW)).toBe(words)
    expect(events.columns()).toMatchObject({ length: 0, kinds: [] })
  })

  it('may be as old and as far ahead as is said', () => {
    const events = gathering()
    expect(events.add({ kind: 'view', at: NOW - 7 * DAY }, NOW)).toBeNull()
    expect(events.add({ kind: 'view', at: NOW + 5 * 60_000 }, NOW)).toBeNull()
  })

  it('leaves no trace of itself in the next one when it is refused', () => {
    const events = gathering({ keepsExtras: true })
    expect(events.add({ kind: 'rare', visitor: 'ann', at: 'never', page: 1 }, NOW)).not.toBeNull()
    expect(events.add({ kind: 'view', visitor: 'ann', page: 'x'.repeat(1020) }, NOW)).toContain('1,024 bytes')
    expect(events.add({ kind: 'view' }, NOW)).toBeNull()
    const { kinds, visitorHigh, extras } = events.columns()
    expect([kinds, visitorHigh[0], extras]).toEqual([['view'], 0, null])
  })

  it('has its other fields kept where they are wanted, in the order of events', () => {
    const events = gathering({ keepsExtras: true })
    for (const event of [{}, JSON.parse('{"page":"/ä","__proto__":{"kind":"click"}}'), {}, { tenant: 'acme', n: [1] }]) {
      expect(events.add(Object.assign(Object.create(null), event, { kind: 'view' }), NOW)).toBeNull()
    }
    expect(events.columns().extras).toEqual([null, '{"page":"/ä","__proto__":{"kind":"click"}}', null, '{"n":[1]}'])
  })

  it('has a visitor that is another one for every tenant, and the same as a number or as its digits', () => {
    const [one, same, other] = [gathering({ tenant: 1 }), gathering({ tenant: 1 }), gathering({ tenant: 2 })]
    one.add({ kind: 'view', visitor: 42 }, NOW)
    same.add({ kind: 'view', visitor: '42' }, NOW)
    other.add({ kind: 'view', visitor: '42' }, NOW)
    const hashes = [one, same, other]
      .map(events => events.columns())
      .map(({ visitorHigh, visitorLow }) => `${visitorHigh[0]} ${visitorLow[0]}`)
    expect(hashes[0]).toBe(hashes[1])
    expect(hashes[0]).not.toBe(hashes[2])
  })
})

describe('a time', () => {
  test.each([
    '1970-01-01T00:00:00Z',
    '2026-11-29T12:00:00Z',
    '2026-11-29T23:59:59.9Z',
    '2024-02-29T12:34:56.789Z',
    '2000-02-29T00:00:00.000Z',
    '2026-12-31T23:59:59+14:00',
    '2027-01-01T00:00:00.123-11:30',
    '1999-03-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999Z',
  ])('%s is read as Date reads it', text => {
    expect(isoTime(text)).toBe(Date.parse(text))
  })

  it('may have nanoseconds, which are cut off', () => {
    expect(isoTime('2026-11-29T12:00:00.123999999Z')).toBe(NOW + 123)
  })

  test.each([
    '',
    '2026-11-29',
    '2026-11-29T12:00:00',
    '2026-11-29 12:00:00Z',
    '2026-11-29T12:00:00z',
    '2026-11-29T12:00:00.Z',
    '2026-11-29T12:00:00.1234567890Z',
    '2026-11-29T12:00:00ZZ',
    '2026-11-29T12:00:00+0100',
    '2026-11-29T12:00:00+24:00',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-11-29T24:00:00Z',
    '2026-11-29T12:60:00Z',
    '2026-11-29T12:00:60Z',
    '2026-1a-29T12:00:00Z',
    '+002026-11-29T12:00:00Z',
  ])('%j is none', text => {
    expect(isoTime(text)).toBeNaN()
  })
})

describe('the hash of visitors', () => {
  it("is MurmurHash3_x86_128, by SMHasher's verification value", () => {
    const out = new Uint32Array(4)
    const hashes = Buffer.alloc(256 * 16)
    const key = Uint8Array.from({ length: 256 }, (_, index) => index)
    for (let length = 0; length < 256; length++) {
      murmur128(key, length, 256 - length, out)
      for (let word = 0; word < 4; word++) hashes.writeUInt32LE(out[word] ?? 0, length * 16 + word * 4)
    }
    murmur128(hashes, hashes.length, 0, out)
    expect(out[0]).toBe(0xb3ece62a)
  })

  it('is of the UTF-8 of a text, however long', () => {
    const [text, bytes] = [new Uint32Array(4), new Uint32Array(4)]
    for (const visitor of ['a', 'ä', '日本'.repeat(100), 'x'.repeat(200), '\ud800']) {
      const utf8 = Buffer.from(visitor)
      hashVisitor(visitor, 9, text)
      murmur128(utf8, utf8.length, 9, bytes)
      expect([...text]).toEqual([...bytes])
    }
  })
})
