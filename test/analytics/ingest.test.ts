import { afterEach, describe, expect, it, vi } from 'vitest'
import { ingest } from '../../src/analytics/ingest.js'
import { Failure } from '../../src/kernel/errors.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { describeDatabases, openInstallation, tenantIn } from '../tenants/installation.js'
import { MemoryLog } from './memory-log.js'

const MINUTE_MS = 60_000
const NOW = Date.UTC(2026, 10, 29)

afterEach(() => void vi.useRealTimers())

describeDatabases('ingest', env => {
  describe('of the same lines', () => {
    it('makes the same batches of them at another time, when others of them are good', async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: NOW })
      const here = await openInstallation(env)
      await tenantIn(here, 'late')
      const lines = Array.from({ length: 12_000 }, (_, n) => ({ kind: 'view', post_id: n + 1, at: NOW }))
      Object.assign(lines[10] as object, { at: NOW + 6 * MINUTE_MS })
      Object.assign(lines[5_500] as object, { at: NOW - 7 * 24 * 60 * MINUTE_MS + MINUTE_MS })
      const run = async () => {
        const events = new MemoryLog()
        const parts = { catalog: here.catalog, events, keepsExtras: false, wake: () => {} }
        const source = (async function* () {
          yield Buffer.from(lines.map(line => `${JSON.stringify(line)}\n`).join(''))
        })()
        const { signal } = new AbortController()
        const options = { tenant: parseSlug('late'), batchPrefix: '', signal, progress: () => {} }
        const { events: counts } = await ingest(parts, source, options)
        const posts = new Map(events.waiting.map(({ id, events: { post } }) => [id, [...post]]))
        return { counts, posts }
      }
      const first = await run()
      expect(first.counts).toEqual({ read: 12_000, accepted: 11_999, refused: 1 })
      vi.setSystemTime(NOW + 2 * MINUTE_MS)
      const second = await run()
      expect(second.counts).toEqual({ read: 12_000, accepted: 11_999, refused: 1 })
      expect(first.posts.size).toBeGreaterThan(2)
      const steady = ({ posts }: typeof first) =>
        [...posts].map(([id, some]) => [id, some.filter(post => post !== 11 && post !== 5_501)])
      expect(steady(second)).toEqual(steady(first))
    })
  })

  it('is tried again where the log is behind, however long the lines were in coming', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const here = await openInstallation(env)
    await tenantIn(here, 'slow')
    const events = new MemoryLog()
    const append = events.append.bind(events)
    let tries = 0
    events.append = async batch => {
      if (tries++ === 0) throw new Failure('EVENTS_BEHIND', 'too much waits')
      return append(batch)
    }
    const source = (async function* () {
      vi.advanceTimersByTime(2 * MINUTE_MS)
      yield Buffer.from('{"kind":"view"}\n')
    })()
    const options = { tenant: parseSlug('slow'), batchPrefix: '', signal: new AbortController().signal, progress: () => {} }
    const report = await ingest({ catalog: here.catalog, events, keepsExtras: false, wake: () => {} }, source, options)
    expect(report).toMatchObject({ events: { accepted: 1 }, complete: true })
  })
})
