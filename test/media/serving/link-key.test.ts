import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { linkKey } from '../../../src/media/serving/link-key.js'
import { temporaryFolder } from '../../support/folders.js'

describe('the key of media links', () => {
  test('is made once where none is set, and only its owner can read it', () => {
    const data = join(temporaryFolder(), 'new')
    const key = linkKey({ data, mediaKey: null })
    expect(key).toHaveLength(32)
    expect(linkKey({ data, mediaKey: null })).toEqual(key)
    expect(readdirSync(data)).toEqual(['media-links.key'])
    expect(statSync(join(data, 'media-links.key')).mode & 0o777).toBe(0o600)
    expect(linkKey({ data: temporaryFolder(), mediaKey: null })).not.toEqual(key)
  })

  test('is made of FEEDCTL_MEDIA_KEY where that is set, and is not that very key', () => {
    const data = temporaryFolder()
    const mediaKey = 'a key of 16 characters or more..'
    const key = linkKey({ data, mediaKey })
    expect(linkKey({ data: temporaryFolder(), mediaKey })).toEqual(key)
    expect(key.toString()).not.toBe(mediaKey)
    expect(readdirSync(data)).toEqual([])
  })

  test('is refused when its file holds something else, which stays', () => {
    const data = temporaryFolder()
    writeFileSync(join(data, 'media-links.key'), 'cut')
    expect(() => linkKey({ data, mediaKey: null })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', hint: 'remove it, or set FEEDCTL_MEDIA_KEY' }),
    )
    expect(readFileSync(join(data, 'media-links.key'), 'utf8')).toBe('cut')
  })

  test('says what helps when it cannot be kept', () => {
    const data = temporaryFolder()
    mkdirSync(join(data, 'media-links.key'))
    expect(() => linkKey({ data, mediaKey: null })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', hint: 'set FEEDCTL_MEDIA_KEY' }),
    )
  })
})
