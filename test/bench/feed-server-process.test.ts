import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { describe, expect, test } from 'vitest'
import { startFeedServer } from '../../src/bench/feed-server/server.js'
import { spawnFeedServer } from '../../src/bench/feed-server/spawn.js'

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('a feed server in a process of its own', () => {
  test('answers as the one in process does, under the same control', async () => {
    await using here = await startFeedServer({ items: 4, seed: 9 })
    await using remote = await spawnFeedServer({ items: 4, seed: 9 })
    const textOf = async (url: string) => (await fetch(url)).text()
    const neutral = (text: string, origin: string) => text.replace(origin, '')
    expect(neutral(await textOf(remote.urlOf(1)), remote.origin)).toBe(neutral(await textOf(here.urlOf(1)), here.origin))

    await remote.prepare(1, 3)
    await remote.advanceEdition()
    await remote.advanceEdition(1, 2)
    here.advanceEdition(undefined, 3)
    expect(neutral(await textOf(remote.urlOf(1)), remote.origin)).toBe(neutral(await textOf(here.urlOf(1)), here.origin))
    expect(await remote.stats()).toMatchObject({ requests: 2, byPath: { '/feeds/1.xml': 2 } })
    await remote.resetStats()
    expect((await remote.stats()).requests).toBe(0)
    await remote.setLatency(1)
    expect((await fetch(remote.faultUrl('status-410'))).status).toBe(410)
  })

  test('is gone once closed, also with a request open, and closes twice', async () => {
    const remote = await spawnFeedServer()
    const hanging = fetch(remote.faultUrl('hang')).catch(error => error)
    await expect.poll(async () => (await remote.stats()).requests).toBe(1)
    expect(isAlive(remote.pid)).toBe(true)
    await Promise.all([remote.close(), remote.close()])
    expect(isAlive(remote.pid)).toBe(false)
    expect(await hanging).toBeInstanceOf(Error)
    await expect(remote.stats()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  test('ends by itself when its parent goes', async () => {
    const entry = createRequire(import.meta.url).resolve('#feed-server')
    const child = spawn(process.execPath, [entry, '{}'], { stdio: ['pipe', 'pipe', 'inherit'] })
    const [line] = await once(createInterface({ input: child.stdout }), 'line')
    expect((await fetch(`${JSON.parse(line).origin}/feeds/1.xml`)).status).toBe(200)
    const ended = once(child, 'exit')
    // What the system does with the pipe of a parent that is killed.
    child.stdin.destroy()
    expect(await ended).toEqual([0, null])
  })

  test('says why it did not start', async () => {
    await using taken = await startFeedServer()
    await expect(spawnFeedServer({ port: taken.port })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('EADDRINUSE'),
    })
  })
})
