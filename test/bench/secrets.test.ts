import { expect, it, test } from 'vitest'
import { hideInUrls, withoutSecrets } from '../../src/bench/results/secrets.js'

test.each([
  ['https://s3.example/bucket', 'https://s3.example/bucket'],
  ['https://key:s3cret@s3.example:7480/', 'https://***@s3.example:7480/'],
  ['https://token@s3.example/', 'https://***@s3.example/'],
  ['https://key:p@ss@s3.example/', 'https://***@s3.example/'],
  ['http://127.0.0.1/v1?token=abc&limit=20', 'http://127.0.0.1/v1?token=***&limit=***'],
  ['http://127.0.0.1/v1?abc', 'http://127.0.0.1/v1?***'],
  ['http://127.0.0.1/v1#access=abc', 'http://127.0.0.1/v1#***'],
  ['asked "http://a:b@h/?k=v", twice: redis://:pw@r:1', 'asked "http://***@h/?k=***", twice: redis://***@r:1'],
  ['/v1/posts?limit=20', '/v1/posts?limit=20'],
])('of %s is told: %s', (text, told) => {
  expect(hideInUrls(text)).toBe(told)
})

it('leaves everything else of a value as it is', () => {
  const value = { urls: ['http://a:b@h/'], deep: { is: 'known-secret', n: 1 }, none: null, list: [1, true] }
  expect(withoutSecrets(value, text => text.replace('known-secret', '***'))).toEqual({
    ...{ urls: ['http://***@h/'], deep: { is: '***', n: 1 }, none: null, list: [1, true] },
  })
})
