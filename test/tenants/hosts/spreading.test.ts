import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/kernel/errors.js'
import { type HostFill, type HostWanted, isWanted, spreadTenants } from '../../../src/tenants/hosts/spreading.js'

let ids = 0
const host = (name: string, own: Partial<HostFill> = {}): HostFill => ({
  id: ++ids,
  name,
  weight: 100,
  maxTenants: null,
  region: null,
  state: 'open',
  tenants: 0,
  ...own,
})

const namesOf = (places: readonly (HostFill | Failure)[]) => places.map(each => (each instanceof Failure ? each.code : each.name))

/** Names of the chosen hosts, or the code of the refusal. */
const chosen = (hosts: readonly HostFill[], wanted: readonly (string | null)[]) =>
  namesOf(
    spreadTenants(
      hosts,
      wanted.map(name => ({ host: name })),
    ),
  )

const anywhere = (count: number) => new Array<null>(count).fill(null)

describe('new tenants', () => {
  test.each<[string, HostFill[], (string | null)[], string[]]>([
    ['go to the only host', [host('a')], anywhere(2), ['a', 'a']],
    ['take turns on equal hosts', [host('a'), host('b')], anywhere(4), ['a', 'b', 'a', 'b']],
    ['go to the emptiest', [host('a', { tenants: 3 }), host('b', { tenants: 1 })], anywhere(3), ['b', 'b', 'a']],
    ['go where there is most weight left', [host('a', { weight: 300 }), host('b')], anywhere(4), ['a', 'a', 'a', 'b']],
    ['pass over a host of weight 0', [host('a', { weight: 0 }), host('b', { tenants: 9 })], anywhere(1), ['b']],
    ['pass over one that drains', [host('a', { state: 'draining' }), host('b', { tenants: 9 })], anywhere(1), ['b']],
    ['pass over a full one', [host('a', { maxTenants: 2, tenants: 2 }), host('b', { tenants: 9 })], anywhere(1), ['b']],
    ['fill a bounded one, and no further', [host('a', { maxTenants: 1 }), host('b', { tenants: 9 })], anywhere(2), ['a', 'b']],
    ['are refused where all are full', [host('a', { maxTenants: 1 })], anywhere(2), ['a', 'HOST_FULL']],
    ['are refused where all have weight 0', [host('a', { weight: 0 })], anywhere(1), ['HOST_FULL']],
    ['go to the host that was asked for, whatever its weight', [host('a', { weight: 0 }), host('b')], ['a', null], ['a', 'b']],
    ['are refused by a draining host that was asked for', [host('a', { state: 'draining' }), host('b')], ['a'], ['HOST_FULL']],
    ['are refused by a full host that was asked for', [host('a', { maxTenants: 0 }), host('b')], ['a', null], ['HOST_FULL', 'b']],
    ['are refused by a host that is not there', [host('a')], ['c'], ['HOST_NOT_FOUND']],
  ])('%s', (_, hosts, wanted, expected) => {
    expect(chosen(hosts, wanted)).toEqual(expected)
  })

  test('come to be as the weights are', () => {
    const names = chosen([host('a', { weight: 10 }), host('b', { weight: 30 }), host('c', { weight: 60 })], anywhere(1000))
    const count = (name: string) => names.filter(each => each === name).length
    expect([count('a'), count('b'), count('c')]).toEqual([100, 300, 600])
  })
})

describe('a region', () => {
  const hosts = [
    host('default', { tenants: 7 }),
    host('home-2', { tenants: 0, maxTenants: 1 }),
    host('eu-1', { region: 'eu', tenants: 5 }),
    host('eu-2', { region: 'eu', tenants: 9 }),
    host('us-1', { region: 'us', weight: 0 }),
    host('asia-1', { region: 'asia', state: 'draining' }),
  ]

  test.each<[string, HostWanted[], string[]]>([
    ['keeps its tenants, however empty others are', [{ region: 'eu' }, { region: 'eu' }], ['eu-1', 'eu-1']],
    ['is for nobody who names none: they go where the default host is', [{}, { region: null }], ['home-2', 'default']],
    ['without a host is none', [{ region: 'nowhere' }], ['HOST_NOT_FOUND']],
    [
      'whose hosts take none by themselves refuses, rather than send a tenant elsewhere',
      [{ region: 'us' }, { region: 'asia' }],
      ['HOST_FULL', 'HOST_FULL'],
    ],
    ['gives way to a host that is named', [{ host: 'us-1', region: 'eu' }], ['us-1']],
  ])('%s', (_, wanted, expected) => {
    expect(namesOf(spreadTenants(hosts, wanted))).toEqual(expected)
  })

  test.each<[HostWanted, string | null, boolean]>([
    [{}, null, true],
    [{ region: 'eu' }, 'eu', true],
    [{ region: 'eu' }, 'us', false],
    [{ region: 'eu' }, null, false],
    [{ host: 'here' }, 'us', true],
    [{ host: 'there' }, 'us', false],
  ])('is where a tenant that wants %j and is begun in %s should be: %s', (wanted, region, expected) => {
    expect(isWanted(wanted, { name: 'here', region })).toBe(expected)
  })
})
