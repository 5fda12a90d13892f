import { describe, expect, it } from 'vitest'
import { publicUrls } from '../../src/feeds/public-urls.js'

describe('URLs that are to be fetched', () => {
  it('are written as sources are', () => {
    expect(publicUrls(['HTTPS://A.example:443/f#x', 'feed://b.example/'], [])).toEqual([
      'https://a.example/f',
      'http://b.example/',
    ])
  })

  it.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://192.168.0.1/feed',
    'http://[::1]/',
    'http://[fd00::1]/',
    'http://1.1.1.1:8080/',
    'http://a.example:25/',
    'http://localhost/',
    'http://LOCALHOST./feed',
    'https://db.localhost/',
  ])('are refused where they say that they lead to no public place: %s', url => {
    expect(() => publicUrls(['https://a.example/', url], [])).toThrow(expect.objectContaining({ code: 'ADDRESS_REFUSED' }))
  })

  it.each([
    ['http://127.0.0.1:8080/', '127.0.0.0/8'],
    ['http://localhost/', '127.0.0.0/8'],
    ['http://localhost:8080/', 'localhost'],
    ['http://a.example:8080/', 'a.example:8080'],
  ])('are taken where the operator exempts them: %s by %s', (url, allow) => {
    expect(publicUrls([url], [allow])).toEqual([url])
  })

  it('of a public name that happens to hold that word are taken', () => {
    expect(publicUrls(['https://notlocalhost/', 'https://localhost.example/'], [])).toHaveLength(2)
  })
})
