import { expect, it } from 'vitest'
import { parseUrl } from '../../src/kernel/parse-url.js'

const OFTEN = 20_000

it('reads letters beyond ASCII also when it has been asked thousands of times', () => {
  const text = 'http://b\u00fccher.example/\u00e4'
  for (let turn = 0; turn < OFTEN; turn++) {
    if (parseUrl(text)?.hostname !== 'xn--bcher-kva.example') expect.fail(`not after ${turn} times`)
  }
})

it('takes what is none for none, and a reference with its base', () => {
  expect([parseUrl(''), parseUrl('a/b'), parseUrl('http://')]).toEqual([null, null, null])
  expect(parseUrl('../b?c', 'http://a.example/x/y')?.href).toBe('http://a.example/b?c')
})
