import { describe, expect, it } from 'vitest'
import { MemoryCache } from '../../src/caches/index.js'
import { keepsTheCacheContract } from './contract.js'

describe('the memory cache', () => {
  keepsTheCacheContract(async () => {
    let now = 1_000_000
    const cache = new MemoryCache(10_000_000, () => now)
    return {
      cache,
      expire: async () => {
        now += 60_000
      },
    }
  })

  it('stays within its bytes by forgetting what was not used for longest', async () => {
    const cache = new MemoryCache(10_000)
    for (const key of ['a', 'b', 'c']) await cache.put(key, new Uint8Array(3_000), 60)
    await cache.get('a')
    await cache.put('d', new Uint8Array(3_000), 60)
    const there = async (key: string) => (await cache.get(key)) !== null
    expect([await there('a'), await there('b'), await there('c'), await there('d')]).toEqual([true, false, true, true])
  })

  it('counts many tiny values as more than their bytes', async () => {
    const cache = new MemoryCache(10_000)
    for (let n = 0; n < 1_000; n++) await cache.put(`key ${n}`, new Uint8Array(1), 60)
    let kept = 0
    for (let n = 0; n < 1_000; n++) if ((await cache.get(`key ${n}`)) !== null) kept++
    expect(kept).toBeGreaterThan(20)
    expect(kept).toBeLessThanOrEqual(100)
  })

  it('does not keep what is larger than itself, nor what that would replace, and keeps the others', async () => {
    const cache = new MemoryCache(1_000)
    await cache.put('small', new Uint8Array(10), 60)
    await cache.put('big', new Uint8Array(10), 60)
    await cache.put('big', new Uint8Array(2_000), 60)
    expect([await cache.get('big'), (await cache.get('small'))?.byteLength]).toEqual([null, 10])
  })
})
