import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cache } from '../../src/caches/index.js'

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text))
const textOf = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('utf8'))

/** What every cache promises. `expire` makes a minute pass for the key `short`. */
export function keepsTheCacheContract(open: () => Promise<{ cache: Cache; expire: () => Promise<void> }>): void {
  describe('keeps the contract of caches:', () => {
    let cache: Cache
    let expire: () => Promise<void>
    beforeAll(async () => {
      const opened = await open()
      cache = opened.cache
      expire = opened.expire
    })
    afterAll(() => cache.close())

    it('has nothing under a key that was never put', async () => {
      expect(await cache.get('missing')).toBeNull()
    })

    it('gives back what was put, and keeps the neighbour', async () => {
      await cache.put('a', bytesOf('one'), 60)
      await cache.put('a-2', bytesOf('two'), 60)
      expect([textOf(await cache.get('a')), textOf(await cache.get('a-2'))]).toEqual(['one', 'two'])
      await cache.delete('a')
      expect([textOf(await cache.get('a')), textOf(await cache.get('a-2'))]).toEqual([null, 'two'])
    })

    it('replaces', async () => {
      await cache.put('replaced', bytesOf('before'), 60)
      await cache.put('replaced', bytesOf('after'), 60)
      expect(textOf(await cache.get('replaced'))).toBe('after')
    })

    it('deletes what is not there calmly, twice', async () => {
      await cache.delete('never')
      await cache.delete('never')
      expect(await cache.get('never')).toBeNull()
    })

    it('forgets a value whose time is over, and not one whose time is not', async () => {
      await cache.put('short', bytesOf('x'), 60)
      await cache.put('long', bytesOf('x'), 600)
      expect(textOf(await cache.get('short'))).toBe('x')
      await expire()
      expect(await cache.get('short')).toBeNull()
      expect(textOf(await cache.get('long'))).toBe('x')
    })

    it.each([
      ['no bytes', new Uint8Array(0)],
      ['every byte', Uint8Array.from({ length: 256 }, (_, byte) => byte)],
      ['511 bytes', new Uint8Array(randomBytes(511))],
      ['512 bytes', new Uint8Array(randomBytes(512))],
      ['2 MB that do not compress', new Uint8Array(randomBytes(2_000_000))],
      ['2 MB that do', new Uint8Array(2_000_000).fill(120)],
    ])('gives back %s as they were', async (name, bytes) => {
      await cache.put(`bytes ${name}`, bytes, 60)
      const found = await cache.get(`bytes ${name}`)
      expect(found === null ? null : Buffer.compare(found, bytes)).toBe(0)
    })

    it('takes odd keys', async () => {
      const keys = ['ü/😀 key', 'a:b:{c}', 'quote\'"\\', '*', 'x'.repeat(500)]
      for (const key of keys) await cache.put(key, bytesOf(key), 60)
      for (const key of keys) expect(textOf(await cache.get(key))).toBe(key)
    })
  })
}
