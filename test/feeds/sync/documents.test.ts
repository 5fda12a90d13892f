import { describe, expect, it } from 'vitest'
import type { Cache } from '../../../src/caches/driver.js'
import { MemoryCache } from '../../../src/caches/index.js'
import { SharedDocuments } from '../../../src/feeds/documents.js'
import { Failure } from '../../../src/kernel/errors.js'
import { Log } from '../../../src/kernel/log.js'
import { parseSourceId } from '../../../src/tenants/ids.js'

const quiet = new Log(() => {})
const source = parseSourceId(7)

describe('shared documents', () => {
  it('are kept small, by source and version, and come back byte for byte', async () => {
    const bytes = new TextEncoder().encode('a sentence that comes again. '.repeat(2_000))
    const documents = new SharedDocuments(new MemoryCache(bytes.byteLength / 4), 60, quiet)
    expect(await documents.put(source, 'v1', bytes)).toBe(true)
    expect(Buffer.from((await documents.get(source, 'v1')) ?? [])).toEqual(Buffer.from(bytes))
    expect(await documents.get(source, 'v2')).toBeNull()
    expect(await documents.get(parseSourceId(8), 'v1')).toBeNull()
  })

  it('count as not shared, and not there, while the cache is away', async () => {
    const away = async () => Promise.reject(new Failure('UNAVAILABLE', 'away'))
    const cache: Cache = { name: 'redis', get: away, put: away, delete: away, close: async () => {} }
    const documents = new SharedDocuments(cache, 60, quiet)
    expect(await documents.put(source, 'v1', new Uint8Array(3))).toBe(false)
    expect(await documents.get(source, 'v1')).toBeNull()
  })
})
