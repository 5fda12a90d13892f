import { describe, expect, it } from 'vitest'
import {
  afterEvent,
  type HostEvent,
  type HostState,
  limitsOf,
  MAX_QUIET_S,
  merged,
  quietMs,
  readNote,
  UNTAUGHT,
  writeNote,
} from '../../../src/feeds/fetch/host-state.js'

const NOW = 1_800_000_000_000
const taught = (changes: Partial<HostState>): HostState => ({ ...UNTAUGHT, ...changes })
const limited = (quietS: number | null = null, sentAt = NOW): HostEvent => ({ kind: 'limited', sentAt, quietS })
const answered: HostEvent = { kind: 'answered' }

describe('a host', () => {
  it.each<[string, HostState, HostEvent, Partial<HostState>]>([
    ['that refuses is asked half as much', UNTAUGHT, limited(), { share: 1 / 2, halvedAt: NOW, changedAt: NOW, quietUntil: 0 }],
    ['that refuses again, half of that', taught({ share: 1 / 2, halvedAt: NOW - 1 }), limited(), { share: 1 / 4 }],
    ['is asked a little in the end', taught({ share: 1 / 64, halvedAt: NOW - 1 }), limited(), { share: 1 / 64 }],
    ['that says for how long is left alone', UNTAUGHT, limited(90), { share: 1 / 2, quietUntil: NOW + 90_000 }],
    ['that says "now" is not', UNTAUGHT, limited(0), { share: 1 / 2, quietUntil: 0 }],
    ['that says years is left alone for a day', UNTAUGHT, limited(1e9), { quietUntil: NOW + MAX_QUIET_S * 1000 }],
    ['keeps the longer quiet', taught({ quietUntil: NOW + 5_000 }), limited(1), { quietUntil: NOW + 5_000 }],
    [
      'teaches once what was under way together',
      taught({ share: 1 / 2, halvedAt: NOW }),
      limited(null, NOW - 9),
      { share: 1 / 2 },
    ],
    [
      'may add quiet to that',
      taught({ share: 1 / 2, halvedAt: NOW }),
      limited(7, NOW - 9),
      { share: 1 / 2, quietUntil: NOW + 7_000 },
    ],
    [
      'that answers is given a little back',
      taught({ share: 1 / 2, changedAt: NOW - 10_000 }),
      answered,
      { share: 33 / 64, changedAt: NOW },
    ],
    ['is not given it back at once', taught({ share: 1 / 2, changedAt: NOW - 9_999 }), answered, { share: 1 / 2 }],
    ['is never asked more than the settings say', taught({ share: 0.999, changedAt: 0 }), answered, { share: 1 }],
  ])('%s', (_name, state, event, after) => {
    expect(afterEvent(state, event, NOW)).toMatchObject(after)
  })

  it('that teaches nothing new leaves the state as it is', () => {
    const states = [UNTAUGHT, taught({ share: 1 / 2, changedAt: NOW - 1 })]
    for (const state of states) expect(afterEvent(state, answered, NOW)).toBe(state)
    const halved = taught({ share: 1 / 2, halvedAt: NOW, changedAt: NOW })
    expect(afterEvent(halved, limited(null, NOW), NOW)).toBe(halved)
  })

  it('is back at the whole after some five minutes of answers', () => {
    let state = afterEvent(UNTAUGHT, limited(), NOW)
    let now = NOW
    while (state.share < 1) {
      now += 1_000
      state = afterEvent(state, answered, now)
    }
    expect(now - NOW).toBe(320_000)
  })

  it.each([
    [1, { places: 8, perSecond: 20, burst: 8 }],
    [1 / 2, { places: 4, perSecond: 10, burst: 4 }],
    [1 / 8, { places: 1, perSecond: 2.5, burst: 1 }],
    [1 / 64, { places: 1, perSecond: 0.3125, burst: 1 }],
  ])('at share %f is asked %j', (share, limits) => {
    expect(limitsOf(taught({ share }), { perHost: 8, hostRate: 20 })).toEqual(limits)
  })

  it('has no burst above its pace', () => {
    expect(limitsOf(UNTAUGHT, { perHost: 50, hostRate: 3 })).toEqual({ places: 50, perSecond: 3, burst: 3 })
  })

  it.each([
    [0, 0],
    [NOW, 0],
    [NOW + 1, 1],
  ])('quiet until %i is %i ms', (quietUntil, ms) => {
    expect(quietMs(taught({ quietUntil }), NOW)).toBe(ms)
  })
})

describe('what two processes know of a host', () => {
  it('comes to the newer share and the longer quiet', () => {
    const older = taught({ share: 1 / 2, changedAt: NOW - 1, quietUntil: NOW + 9 })
    const newer = taught({ share: 1 / 4, changedAt: NOW, quietUntil: 0 })
    for (const both of [merged(older, newer), merged(newer, older)]) {
      expect(both).toEqual({ ...newer, quietUntil: NOW + 9 })
    }
  })

  it('is told in a note', () => {
    const state = taught({ share: 3 / 64, halvedAt: NOW, changedAt: NOW + 1, quietUntil: NOW + 2 })
    expect(readNote(writeNote(state))).toEqual(state)
  })

  it.each(['', '1', '1 2 3', '1 2 3 x', '2 1 1 1', '0 1 1 1', '1 1 1 1 1', '{"share":1}'])('is not read from %j', note => {
    expect(readNote(note)).toBeNull()
  })
})
