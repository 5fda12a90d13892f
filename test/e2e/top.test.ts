import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { App } from '../../src/app.js'
import type { QueueDesk } from '../../src/queues/index.js'
import { BIN, runNode } from '../support/bin.js'
import { sharedRedisEnv } from '../support/drivers.js'
import { type RedisServer, startRedis } from '../support/redis.js'
import { Installation } from './installation.js'
import { type Publisher, startPublisher } from './publisher.js'
import { isAlive } from './supervision.js'
import { TmuxShell } from './tmux.js'

/** A worker that is busy with globex, whose publisher never answers; acme failed for good. */
describe('feedctl top in a terminal of tmux', () => {
  let redis: RedisServer
  let publisher: Publisher
  let installation: Installation
  let app: App
  let desk: QueueDesk

  beforeAll(async () => {
    redis = await startRedis()
    publisher = await startPublisher(() => {})
    const settings = { ...sharedRedisEnv(), ...redis.env, QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis' }
    installation = await Installation.create({ ...settings, FEEDCTL_DRAIN_MS: '300', FEEDCTL_FETCH_TIMEOUT_MS: '300000' })
    for (const slug of ['acme', 'globex']) {
      // In a process of its own: libsql may go on writing to a file that it has closed.
      const created = installation.start(['tenant', 'create', slug, '--feed', publisher.urlOf(`/${slug}.xml`)])
      expect(await created.ended).toMatchObject({ exit: 0 })
    }
    writeFileSync(join(installation.env.FEEDCTL_DATA ?? '', 'databases', 'tenant_acme.db'), 'no database '.repeat(1000))
    await installation.startWorker(['--tries', '1'])
    expect(await installation.run(['sync', '--all', '--detach'])).toMatchObject({ exit: 0 })
    app = await installation.open()
    desk = await app.desk()
    const isReady = async () => expect(await counts('sync')).toMatchObject({ active: 1, failed: 1 })
    await vi.waitFor(isReady, { timeout: 60_000, interval: 100 })
  })

  afterAll(async () => {
    await app?.[Symbol.asyncDispose]()
    await installation?.[Symbol.asyncDispose]()
    await publisher?.[Symbol.asyncDispose]()
    await redis?.dispose()
  })

  async function counts(name: string) {
    return (await desk.counts()).find(queue => queue.name === name)
  }

  test('shows an installation in 24 lines of 80 cells, handles its queues, and leaves the terminal as it was', async () => {
    await using shell = await TmuxShell.open(80, 24, installation.env)
    await shell.type('stty -g >before; echo here before')
    await shell.startTop()
    await shell.shows(/> sync +0 +1 +1 /)
    await shell.shows(/working .* globex SyncTenantFeeds/)
    expect((await shell.screen()).split('\n')).toHaveLength(24)
    expect(await shell.modes()).toEqual({ alternate: true, cursor: false })

    await shell.press('Down')
    await shell.shows(/> media/)
    await shell.press('p')
    await shell.shows(/> media .* paused[\s\S]*the queue media is paused/)
    expect(await counts('media')).toMatchObject({ paused: true })
    await shell.press('p')
    await shell.shows(/the queue media is resumed/)
    expect(await counts('media')).toMatchObject({ paused: false })

    await shell.press('2', 'Up')
    await shell.shows(/\[2 queues\][\s\S]*acme .*UNAVAILABLE/)
    await shell.press('r')
    await shell.shows(/retry the failed jobs of the queue sync\? y\/n/)
    await shell.press('n')
    await shell.shows(/q quit$/)
    await shell.press('r', 'y')
    await shell.shows(/retried 1 failed job$/)
    await expect.poll(() => counts('sync'), { timeout: 20_000 }).toMatchObject({ active: 1, failed: 1 })

    await shell.press('q')
    await shell.shows(/here before\n[\s\S]*status 0\nprompt>$/)
    expect(await shell.modes()).toEqual({ alternate: false, cursor: true })
    await shell.type('stty -g | cmp - before && echo sane')
    await shell.shows(/^sane$/m)
  })

  test('follows the terminal to any size, and leaves nothing behind of each picture', async () => {
    await using shell = await TmuxShell.open(200, 60, installation.env)
    const telling = "process.on('exit', () => console.log('measures', performance.getEntriesByType('measure').length))"
    writeFileSync(join(shell.folder, 'telling.mjs'), telling)
    await shell.startTop('', "NODE_OPTIONS='--import ./telling.mjs'")
    for (const [columns, rows] of [
      [80, 24],
      [60, 10],
      [120, 30],
      [200, 60],
    ] as const) {
      await shell.resize(columns, rows)
      await expect.poll(async () => (await shell.screen()).split('\n').length, { timeout: 20_000 }).toBe(rows)
      await shell.shows(/^ feedctl top.* UTC\n \[1 overview\][\s\S]*> sync [\s\S]*q quit$/)
      expect((await shell.screen()).match(/feedctl top|q quit|QUEUE/g)).toEqual(['feedctl top', 'QUEUE', 'q quit'])
    }
    await shell.resize(50, 8)
    await shell.shows(/^too small: 50x8, and 60x10 is needed$/)
    await shell.press('C-c')
    await shell.shows(/measures \d\nstatus 0\nprompt>$/)
  })

  test('shows ASCII where the locale is plain, without colours, and its log only when it is left', async () => {
    await using shell = await TmuxShell.open(100, 30, { ...installation.env, NO_COLOR: '1' })
    const pid = await shell.startTop('--log-level debug', 'LC_ALL=C LANG=C TERM=screen-256color')
    await shell.shows(/\^v select/)
    await redis.stop()
    await shell.shows(/\n ! .*; as of \d\d:\d\d:\d\d\n[\s\S]*> sync +0 +1 +1 /)
    expect(await shell.screen()).toMatch(/^[ -~\n]*$/)
    expect(await shell.screen()).not.toContain('debug redis')
    await redis.start()
    await shell.shows(/^(?![\s\S]*; as of)[\s\S]*> sync /)
    process.kill(pid, 'SIGTERM')
    await shell.shows(/debug redis[\s\S]*interrupted by SIGTERM[\s\S]*status 143\nprompt>$/)
    expect(await shell.modes()).toEqual({ alternate: false, cursor: true })
  })

  test('ends with its terminal', async () => {
    const shell = await TmuxShell.open(80, 24, installation.env)
    let pid = 0
    try {
      pid = await shell.startTop()
    } finally {
      await shell[Symbol.asyncDispose]()
    }
    await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false)
  })
})

test('what needs no screen loads none of its libraries', async () => {
  const refusal =
    'export const resolve = (name, context, next) => { if (/^(ink|react)\\b/.test(name)) throw new Error(name); return next(name, context) }'
  const hook = `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${refusal}`)})`
  const node = (...args: string[]) => runNode(['--import', `data:text/javascript,${encodeURIComponent(hook)}`, ...args])
  expect(await node('--input-type=module', '-e', "import 'ink'")).toMatchObject({
    exit: 1,
    err: expect.stringContaining('Error: ink'),
  })
  expect(await node(BIN, 'top', '--help')).toMatchObject({ exit: 0, err: '' })
})
