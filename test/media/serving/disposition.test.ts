import { describe, expect, test } from 'vitest'
import { contentType, dispositionOf, fileName } from '../../../src/media/serving/disposition.js'
import { isShown } from '../../../src/media/shown.js'

describe('a type', () => {
  test.each([
    'image/png',
    'image/jpeg',
    'image/gif',
    'image/webp',
    'image/avif',
    'audio/mpeg',
    'video/mp4',
    'image/x-icon',
  ])('%s is shown in place', type => {
    expect(isShown(type)).toBe(true)
  })

  test.each([
    'image/svg+xml',
    'text/html',
    'text/xml',
    'application/xml',
    'application/xhtml+xml',
    'application/pdf',
    'application/javascript',
    'text/plain',
    'application/octet-stream',
    'image/png; charset=utf-8',
    'IMAGE/SVG+XML',
    'image/png\nset-cookie: x',
    '',
    null,
  ])('%j is only saved', type => {
    expect(isShown(type)).toBe(false)
  })

  test('that is none makes no header', () => {
    expect(['image/png', 'image/png\r\nx: y', 'a', null].map(contentType)).toEqual([
      'image/png',
      ...new Array(3).fill('application/octet-stream'),
    ])
  })
})

describe('a Content-Disposition', () => {
  test.each([
    ['cat.png', true, 'inline; filename="cat.png"'],
    ['a cat.svg', false, 'attachment; filename="a cat.svg"'],
    ['naïve €.txt', false, `attachment; filename="na_ve _.txt"; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.txt`],
    ['say "hi"\\.txt', false, `attachment; filename="say _hi__.txt"; filename*=UTF-8''say%20%22hi%22%5C.txt`],
    ["it's (1)*é", false, `attachment; filename="it's (1)*_"; filename*=UTF-8''it%27s%20%281%29%2A%C3%A9`],
    ['50%.png', true, `inline; filename="50_.png"; filename*=UTF-8''50%25.png`],
    ['a\r\nSet-Cookie: x', false, `attachment; filename="a__Set-Cookie: x"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x`],
    ['😀', false, `attachment; filename="_"; filename*=UTF-8''%F0%9F%98%80`],
  ])('of %j', (name, shown, header) => {
    expect(dispositionOf(name, shown)).toBe(header)
  })

  test('names the last segment', () => {
    expect(['a/b/c.png', 'c.png'].map(fileName)).toEqual(['c.png', 'c.png'])
  })
})
