import { describe, expect, test } from 'vitest'
import { parseMediaName } from '../../../src/media/names.js'
import { LINK_TTL_S, LinkSigner } from '../../../src/media/serving/links.js'
import { parseOwnPath } from '../../../src/media/serving/paths.js'
import { parseTenantId } from '../../../src/tenants/ids.js'

const NOW = Date.parse('2026-01-02T03:04:05Z')
const signer = new LinkSigner(Buffer.from('a key of the tests'))
const acme = parseTenantId(1)
const name = parseMediaName('a b/ü+%2e\n.png')

function queryOf(path: string): { expires: string; signature: string } {
  return Object.fromEntries(new URL(path, 'http://x').searchParams) as { expires: string; signature: string }
}

describe('a link', () => {
  test('names its file, and lasts a quarter of an hour or a little longer', () => {
    const { path, expiresAt } = signer.link(acme, name, NOW)
    expect(parseOwnPath(path)).toEqual({ tenantId: acme, name })
    expect(expiresAt - NOW).toBeGreaterThanOrEqual(LINK_TTL_S * 1000)
    expect(expiresAt - NOW).toBeLessThanOrEqual((LINK_TTL_S + 300) * 1000)
    expect(() => signer.verify(acme, name, queryOf(path), NOW)).not.toThrow()
  })

  test('is the same for some minutes, so that browsers keep what they got by it', () => {
    expect(signer.link(acme, name, NOW)).toEqual(signer.link(acme, name, NOW + 30_000))
  })

  test('ends', () => {
    const { path, expiresAt } = signer.link(acme, name, NOW)
    expect(() => signer.verify(acme, name, queryOf(path), expiresAt - 1)).not.toThrow()
    expect(() => signer.verify(acme, name, queryOf(path), expiresAt)).toThrow(expect.objectContaining({ code: 'LINK_EXPIRED' }))
  })

  test('opens no file of another tenant, no other file, and not for longer', () => {
    const query = queryOf(signer.link(acme, name, NOW).path)
    const other = new LinkSigner(Buffer.from('another key'))
    const refused = expect.objectContaining({ code: 'LINK_INVALID' })
    expect(() => signer.verify(parseTenantId(2), name, query, NOW)).toThrow(refused)
    expect(() => signer.verify(acme, parseMediaName('other.png'), query, NOW)).toThrow(refused)
    expect(() => other.verify(acme, name, query, NOW)).toThrow(refused)
    const expires = String(Number(query.expires) + 1)
    expect(() => signer.verify(acme, name, { ...query, expires }, NOW)).toThrow(refused)
  })

  test('cannot be read in two ways', () => {
    const long = signer.link(acme, parseMediaName('23\nx'), NOW)
    expect(() => signer.verify(parseTenantId(12), parseMediaName('3\nx'), queryOf(long.path), NOW)).toThrow()
  })

  const { expires, signature } = queryOf(signer.link(acme, name, NOW).path)
  test.each([
    {},
    { expires },
    { signature },
    { expires, signature: '' },
    { expires, signature: `${signature}=` },
    { expires, signature: ` ${signature}` },
    { expires, signature: signature.slice(0, -1) },
    { expires, signature: [signature] },
    { expires: [expires], signature },
    { expires: `+${expires}`, signature },
    { expires: `${expires}.0`, signature },
    { expires: '9'.repeat(13), signature },
  ])('is refused as %j', query => {
    expect(() => signer.verify(acme, name, query, NOW)).toThrow(expect.objectContaining({ code: 'LINK_INVALID' }))
  })
})

describe('a path', () => {
  test.each([
    ['/media/1/a%20b/c%2B.png?x=/../', 'a b/c+.png'],
    ['/media/1/%252e%252e/x', '%2e%2e/x'],
    ['/media/1/a%5C..%5Cb', 'a\\..\\b'],
    ['/media/1/e%CC%81.png', 'e\u0301.png'],
  ])('%j names %j', (path, named) => {
    expect(parseOwnPath(path)).toEqual({ tenantId: 1, name: named })
  })

  test.each([
    '/media/1/',
    '/media/1',
    '/media/1/../2/x',
    '/media/1/%2e%2e/2/x',
    '/media/1/%2E./2/x',
    '/media/1/a%2Fb',
    '/media/1/..%2f2%2fx',
    '/media/1/a//b',
    '/media/1/a/./b',
    '/media/1/a%00.png',
    '/media/1/%ff',
    '/media/1/%c0%ae%c0%ae/x',
    '/media/1/%zz',
    '/media/1/%ED%A0%80',
    '/media/1/.feedctl-tmp',
    '/media/0/x',
    '/media/01/x',
    '/media/-1/x',
    '/media/1e3/x',
    '/media/acme/x',
    `/media/${'9'.repeat(16)}/x`,
    `/media/1/${'a'.repeat(256)}`,
  ])('%j is refused', path => {
    expect(() => parseOwnPath(path)).toThrow(expect.objectContaining({ code: 'MEDIA_NAME_INVALID' }))
  })
})
