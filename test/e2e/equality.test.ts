import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FeedServer, startFeedServer } from '../../src/bench/feed-server/server.js'
import { sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { contentOf, type TenantContent } from './content.js'
import { Installation } from './installation.js'
import { type Publisher, startPublisher } from './publisher.js'

const REAL = fileURLToPath(new URL('../../../shared/feeds', import.meta.url))
const REAL_FILES = existsSync(REAL) ? readdirSync(REAL).filter(file => /\.(rss|atom|json)$/.test(file)) : []
const SOURCES = 24
const FAULTS = ['podcast', 'malformed', 'latin1', 'utf16', 'html', 'status-410'] as const

const ON_REDIS = { QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis' }
const COMBINATIONS: Readonly<Record<string, () => TestEnv>> = {
  'mysql + sync': sharedMariadbEnv,
  'sqlite + redis': () => ({ ...sharedRedisEnv(), ...ON_REDIS }),
  'mysql + redis': () => ({ ...sharedMariadbEnv(), ...sharedRedisEnv(), ...ON_REDIS }),
}

let server: FeedServer
let publisher: Publisher

beforeAll(async () => {
  server = await startFeedServer({ items: 12 })
  publisher = await startPublisher((path, response) => {
    const file = REAL_FILES.find(name => `/${name}` === path)
    if (file === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': 'text/xml' }).end(readFileSync(join(REAL, file)))
  })
})

afterAll(async () => {
  await server.close()
  await publisher[Symbol.asyncDispose]()
})

/** Syncs three tenants that share some of their feeds, then a second edition of all, and answers what is stored after each. */
async function syncTwice(settings: TestEnv, placement: string): Promise<Record<string, TenantContent>[]> {
  const patient = { FEEDCTL_FETCH_TIMEOUT_MS: '120000' }
  await using installation = await Installation.create({ ...patient, ...settings, FEEDCTL_PLACEMENT: placement })
  const urls = Array.from({ length: SOURCES }, (_, source) => server.urlOf(source))
  const faults = FAULTS.map(fault => server.faultUrl(fault))
  const real = REAL_FILES.map(file => publisher.urlOf(`/${file}`))
  await installation.createTenant('one', [...urls, ...faults])
  await installation.createTenant('two', [...urls.slice(8), ...real])
  await installation.createTenant('three', [...real.toReversed(), ...faults, ...urls.slice(0, 10)])
  await installation.startWorkers(2)
  expect((await installation.sync('--all')).report.tenants).toEqual({ total: 3, ok: 3, failed: 0, skipped: 0 })
  const first = await contentOf(installation)
  server.advanceEdition()
  try {
    const { report } = await installation.sync('--all', '--force')
    expect(report.tenants.ok).toBe(3)
    expect(report.posts.updated).toBeGreaterThan(SOURCES)
  } finally {
    server.advanceEdition(undefined, -1)
  }
  return [first, await contentOf(installation)]
}

let embedded: ReturnType<typeof syncTwice> | null = null
/** What the embedded drivers with dedicated databases make of it: made once, by whichever test is first. */
function expected(): ReturnType<typeof syncTwice> {
  embedded ??= syncTwice({}, 'dedicated')
  return embedded
}

// One that was given up would go on, and change the edition of the next.
describe('the same feeds give the same rows', { timeout: 240_000 }, () => {
  test('that are those of the feeds', async () => {
    const [first = {}, second = {}] = await expected()
    const ofSource = (content: Record<string, TenantContent>) =>
      content.one?.posts.filter(post => post.feed === server.urlOf(1)) ?? []
    expect(ofSource(first)).toHaveLength(12)
    expect(ofSource(second)).toHaveLength(13)
    expect(first.one?.posts.filter(post => post.feed === server.faultUrl('podcast'))).toHaveLength(420)
    expect(first.one?.posts).toHaveLength(SOURCES * 12 + 420 + 6 + 2 + 2)
  })

  test.skipIf(REAL_FILES.length === 0)(
    `also of the real documents of ../shared/feeds${REAL_FILES.length === 0 ? ' (the folder is missing)' : ''}`,
    async () => {
      const [first = {}] = await expected()
      for (const file of REAL_FILES) {
        const posts = first.two?.posts.filter(post => post.feed === publisher.urlOf(`/${file}`))
        expect(posts?.length, file).toBeGreaterThan(0)
        expect(first.three?.posts.filter(post => post.feed === publisher.urlOf(`/${file}`))).toEqual(posts)
      }
    },
  )

  test('on the embedded drivers in a shared database', async () => {
    expect(await syncTwice({}, 'shared')).toEqual(await expected())
  })

  for (const [name, settings] of Object.entries(COMBINATIONS)) {
    test.each(['dedicated', 'shared'])(`on ${name}, %s`, async placement => {
      expect(await syncTwice(settings(), placement)).toEqual(await expected())
    })
  }
})
