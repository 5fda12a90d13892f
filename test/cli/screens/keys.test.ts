import { describe, expect, test } from 'vitest'
import { type Ground, type Place, press, type Row, START, selectedRow } from '../../../src/cli/screens/keys.js'

const ROWS: readonly Row[] = [
  { kind: 'queue', key: 'sync', queue: 'sync', paused: false },
  { kind: 'queue', key: 'media', queue: 'media', paused: true },
]
const TENANTS: readonly Row[] = [{ kind: 'tenant', key: 'slow:7', tenantId: 7, slug: 'acme' }]
const GROUND: Ground = { rows: ROWS, hasDesk: true }

describe('a key', () => {
  test.each<[key: string, from: Partial<Place>, to: Partial<Place>]>([
    ['3', {}, { view: 'workers' }],
    ['9', {}, { view: 'overview' }],
    ['tab', {}, { view: 'queues' }],
    ['right', { view: 'run' }, { view: 'overview' }],
    ['shift-tab', {}, { view: 'run' }],
    ['left', { view: 'tenants' }, { view: 'workers' }],
    ['down', {}, { selected: { overview: 'media' } }],
    ['down', { selected: { overview: 'media' } }, { selected: { overview: 'media' } }],
    ['up', { selected: { overview: 'media' } }, { selected: { overview: 'sync' } }],
    ['up', { selected: { overview: 'a queue that is gone' } }, { selected: { overview: 'sync' } }],
    ['?', {}, { help: true }],
    ['escape', { help: true }, { help: false }],
    ['3', { help: true }, { help: false, view: 'overview' }],
    ['r', {}, { asking: { queue: 'sync' } }],
    ['n', { asking: { queue: 'sync' } }, { asking: null }],
    ['escape', { asking: { queue: 'sync' } }, { asking: null }],
    ['3', { asking: { queue: 'sync' } }, { asking: { queue: 'sync' }, view: 'overview' }],
    ['x', {}, {}],
    ['escape', {}, {}],
  ])('%s leads from %j to %j, and asks for nothing', (key, from, to) => {
    const place = { ...START, ...from }
    expect(press(place, key, GROUND)).toEqual({ place: { ...place, ...to }, deed: null })
  })

  test.each<[key: string, from: Partial<Place>, deed: unknown]>([
    ['q', {}, { kind: 'leave' }],
    ['ctrl-c', {}, { kind: 'leave' }],
    ['ctrl-c', { asking: { queue: 'sync' } }, { kind: 'leave' }],
    ['q', { help: true }, { kind: 'leave' }],
    ['p', {}, { kind: 'pause', queue: 'sync' }],
    ['p', { selected: { overview: 'media' } }, { kind: 'resume', queue: 'media' }],
    ['y', { asking: { queue: 'sync' } }, { kind: 'retry', of: { queue: 'sync' } }],
  ])('%s from %j asks for %j', (key, from, deed) => {
    expect(press({ ...START, ...from }, key, GROUND).deed).toEqual(deed)
  })

  test('r asks for the failed jobs of the selected tenant', () => {
    const { place } = press({ ...START, view: 'tenants' }, 'r', { rows: TENANTS, hasDesk: true })
    expect(place.asking).toEqual({ tenantId: 7, slug: 'acme' })
    expect(press(place, 'y', { rows: TENANTS, hasDesk: true })).toEqual({
      place: { ...place, asking: null },
      deed: { kind: 'retry', of: { tenantId: 7, slug: 'acme' } },
    })
  })

  test.each(['p', 'r'])('%s does nothing without queues, without rows, and on what is no queue', key => {
    for (const ground of [
      { rows: ROWS, hasDesk: false },
      { rows: [], hasDesk: true },
      { rows: [{ kind: 'worker' as const, key: 'w' }], hasDesk: true },
    ]) {
      expect(press(START, key, ground)).toEqual({ place: START, deed: null })
    }
  })
})

test('the selected row is found by its key, wherever it moved, and the first one where it is gone', () => {
  const place: Place = { ...START, selected: { overview: 'media' } }
  expect(selectedRow(place, [...ROWS].reverse())?.key).toBe('media')
  expect(selectedRow({ ...place, selected: { overview: 'gone' } }, ROWS)?.key).toBe('sync')
  expect(selectedRow(place, [])).toBeNull()
})
