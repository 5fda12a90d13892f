import { describe, expect, it } from 'vitest'
import { createAddressGuard, isPublic } from '../../../src/feeds/fetch/addresses.js'
import { isFailure } from '../../../src/kernel/errors.js'

function codeOf(deed: () => void): string {
  try {
    deed()
    return 'passes'
  } catch (error) {
    return isFailure(error) ? error.code : String(error)
  }
}

describe('an address', () => {
  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '100.127.255.255',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.8',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.7',
    '203.0.113.9',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '0:0:0:0:0:ffff:a00:1',
    '::ffff:0:10.0.0.1',
    'fc00::1',
    'fdff::1',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'fec0::1',
    'ff02::1',
    '2001:db8::1',
    '3fff::1',
    '100::1',
    '2002:7f00:1::',
    '2002:808:808::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '64:ff9b::10.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '64:ff9b:1:ffff::8.8.8.8',
    'not an address',
  ])('%s is not public', address => {
    expect(isPublic(address)).toBe(false)
  })

  it.each([
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.1',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2001:4860:4860::8888',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
  ])('%s is public', address => {
    expect(isPublic(address)).toBe(true)
  })
})

describe('the guard', () => {
  it.each([
    [[], '10.0.0.1', 'a.example', 80, 'ADDRESS_REFUSED'],
    [[], '8.8.8.8', 'a.example', 443, 'passes'],
    [[], '8.8.8.8', 'a.example', 8080, 'ADDRESS_REFUSED'],
    [['10.0.0.0/8'], '10.9.9.9', 'a.example', 8080, 'passes'],
    [['10.0.0.0/8'], '11.0.0.1', 'a.example', 8080, 'ADDRESS_REFUSED'],
    [['10.0.0.0/8'], '::ffff:10.1.1.1', 'a.example', 80, 'passes'],
    [['10.0.0.1'], '10.0.0.2', 'a.example', 80, 'ADDRESS_REFUSED'],
    [['10.0.0.1:8080'], '10.0.0.1', 'a.example', 8080, 'passes'],
    [['10.0.0.1:8080'], '10.0.0.1', 'a.example', 80, 'ADDRESS_REFUSED'],
    [['fd00::/8'], 'fd12::1', 'a.example', 80, 'passes'],
    [['[::1]:8080'], '::1', '::1', 8080, 'passes'],
    [['[::1]:8080'], '::1', '::1', 8081, 'ADDRESS_REFUSED'],
    [['Feeds.Internal'], '10.0.0.1', 'feeds.internal', 9000, 'passes'],
    [['feeds.internal'], '10.0.0.1', 'other.feeds.internal', 80, 'ADDRESS_REFUSED'],
    [['feeds.internal:9000'], '10.0.0.1', 'feeds.internal', 9001, 'ADDRESS_REFUSED'],
  ] as const)('with %j: %s of %s at port %i %s', (allow, address, hostname, port, verdict) => {
    expect(codeOf(() => createAddressGuard(allow).check(address, hostname, port))).toBe(verdict)
  })

  it.each([
    [[], 'http://a.example/', 'passes'],
    [[], 'https://a.example:443/', 'passes'],
    [[], 'http://a.example:8080/', 'ADDRESS_REFUSED'],
    [[], 'http://[::1]/', 'ADDRESS_REFUSED'],
    [[], 'http://2130706433/', 'ADDRESS_REFUSED'],
    [['a.example'], 'http://a.example:8080/', 'passes'],
    [['127.0.0.0/8'], 'http://a.example:8080/', 'passes'],
    [['127.0.0.0/8'], 'http://8.8.8.8:8080/', 'ADDRESS_REFUSED'],
  ] as const)('with %j: what %s tells before it is resolved %s', (allow, url, verdict) => {
    expect(codeOf(() => createAddressGuard(allow).checkPort(new URL(url)))).toBe(verdict)
  })

  it('names every entry that cannot be read', () => {
    const wrong = ['10.0.0.0/33', '::1/129', '1.2.3', 'a b', 'x:99999', 'http://x', '10.0.0.0/8/8', '']
    expect(() => createAddressGuard(['127.0.0.1', ...wrong])).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    for (const entry of wrong) expect(() => createAddressGuard([entry]), entry).toThrow(`"${entry}"`)
  })
})
