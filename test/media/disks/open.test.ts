import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Config, loadConfig } from '../../../src/kernel/config.js'
import type { Disks } from '../../../src/media/disks/driver.js'
import { openDisks } from '../../../src/media/disks/index.js'
import { endpointOf, REGIONS } from '../../../src/media/disks/wasabi/regions.js'
import { key } from './bytes.js'

const KEYS = {
  WASABI_BUCKET: 'media',
  WASABI_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  WASABI_SECRET_ACCESS_KEY: 'a-secret-that-nobody-sees',
}

function configOf(env: Record<string, string>): Config {
  return loadConfig({ env, envFile: '/nonexistent/.env', envFileNamed: false }).config
}

function open(env: Record<string, string>): Promise<Disks> {
  return openDisks(configOf(env))
}

describe('the disks', () => {
  test('are the local one where no bucket is set, below the folder of the embedded files', async () => {
    const disks = await open({ FEEDCTL_DATA: '/srv/feedctl' })
    expect([disks.local.folder, disks.wasabi, disks.target]).toEqual([join('/srv/feedctl', 'media'), null, disks.local])
  })

  test('are both where a bucket is set, and the setting says where new media goes', async () => {
    const [local, wasabi] = [await open(KEYS), await open({ ...KEYS, FILESYSTEM_DISK: 'wasabi' })]
    expect([local.target.name, wasabi.target.name]).toEqual(['local', 'wasabi'])
    expect(wasabi.wasabi?.multipartFrom).toBe(64 * 1024 * 1024)
  })

  test.each([
    [{ FILESYSTEM_DISK: 'wasabi' }, 'WASABI_BUCKET'],
    [{ WASABI_BUCKET: 'media', WASABI_SECRET_ACCESS_KEY: 'x' }, 'WASABI_ACCESS_KEY_ID'],
    [{ WASABI_BUCKET: 'media', WASABI_ACCESS_KEY_ID: 'x' }, 'WASABI_SECRET_ACCESS_KEY'],
    [{ WASABI_BUCKET: 'media' }, 'WASABI_ACCESS_KEY_ID and WASABI_SECRET_ACCESS_KEY'],
    [{ ...KEYS, WASABI_REGION: 'eu-centrl-1' }, 'did you mean eu-central-1?'],
    [{ ...KEYS, WASABI_REGION: 'mars' }, 'it is one of us-east-1,'],
  ])('are refused for %j', async (env, words) => {
    await expect(open(env)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(words) })
  })

  test('are where the endpoint says, in a region that Wasabi does not have too', async () => {
    const disks = await open({ ...KEYS, WASABI_REGION: 'mars', WASABI_ENDPOINT: 'http://127.0.0.1:9000' })
    const link = new URL((await disks.wasabi?.linkTo(key(7, 'a b.png'), { ttlS: 60, download: null })) ?? '')
    expect([link.origin, link.pathname]).toEqual(['http://127.0.0.1:9000', '/media/media/7/a%20b.png'])
    expect(link.searchParams.get('X-Amz-Credential')).toMatch(/^AKIDEXAMPLE\/\d{8}\/mars\/s3\/aws4_request$/)
    expect(link.href).not.toContain(KEYS.WASABI_SECRET_ACCESS_KEY)
  })

  test('link to the CDN where there is one, for good', async () => {
    const disks = await open({ ...KEYS, WASABI_URL: 'https://cdn.example.com/files/', FEEDCTL_MEDIA_PREFIX: 'a/b' })
    const link = await disks.wasabi?.linkTo(key(7, 'x y+%\n\u00e9.png'), { ttlS: 60, download: 'x' })
    expect(link).toBe('https://cdn.example.com/files/a/b/7/x%20y%2B%25%0A%C3%A9.png')
  })
})

test('the endpoint of each region is that of its name, and of the first one has none', () => {
  expect(REGIONS.map(region => endpointOf(region).href).slice(0, 2)).toEqual([
    'https://s3.wasabisys.com/',
    'https://s3.us-east-2.wasabisys.com/',
  ])
  expect(endpointOf('eu-central-2').href).toBe('https://s3.eu-central-2.wasabisys.com/')
})
