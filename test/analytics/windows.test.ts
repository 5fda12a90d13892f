import { expect, it } from 'vitest'
import { type Window, windowsOf } from '../../src/analytics/windows.js'

/** In pieces of so many bytes. */
async function* pieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function cut(text: string, size: number, windowBytes: number): Promise<[offset: number, text: string][]> {
  const windows: Window[] = []
  for await (const window of windowsOf(pieces(text, size), windowBytes)) windows.push(window)
  return windows.map(({ offset, bytes }) => [offset, bytes.toString()])
}

it('cuts at the same lines however the bytes come, and loses none', async () => {
  const text = Array.from({ length: 200 }, (_, n) => `{"n":${'x'.repeat((n * 37) % 50)}ä}\n`).join('')
  const once = await cut(text, text.length * 2, 100)
  expect(once.length).toBeGreaterThan(20)
  expect(once.map(([, part]) => part).join('')).toBe(text)
  let offset = 0
  for (const [at, part] of once) {
    expect([at, part.endsWith('\n')]).toEqual([offset, true])
    offset += Buffer.byteLength(part)
  }
  for (const size of [1, 7, 99, 100, 101, 1_000]) expect(await cut(text, size, 100)).toEqual(once)
})

it('has the last line without an end, and nothing of nothing', async () => {
  expect(await cut('a\nb', 1, 100)).toEqual([[0, 'a\nb']])
  expect(await cut('aaaa\nb', 2, 3)).toEqual([
    [0, 'aaaa\n'],
    [5, 'b'],
  ])
  expect(await cut('', 1, 100)).toEqual([])
})

it('refuses a line without end before it is held', async () => {
  const endless = (async function* () {
    for (;;) yield Buffer.alloc(100_000, 'x')
  })()
  const read = async () => {
    for await (const _window of windowsOf(endless));
  }
  await expect(read()).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
})
