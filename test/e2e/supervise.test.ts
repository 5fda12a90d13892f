import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { renderFeed } from '../../src/bench/feed-server/documents.js'
import { startFeedServer } from '../../src/bench/feed-server/server.js'
import { sharedRedisEnv } from '../support/drivers.js'
import { findFreePort } from '../support/server.js'
import { hasSystemdPrograms, SystemdSocket } from '../support/systemd-socket.js'
import { Installation } from './installation.js'
import { furnish } from './many-tenants.js'
import { startPublisher } from './publisher.js'
import { isAlive, processesWith, Supervision, soon } from './supervision.js'

const ROOMY = { timeout: 180_000 }
const { body: FEED } = renderFeed({ seed: 1, source: 1, edition: 0, items: 1, itemBytes: 200, format: 'rss', origin: '' })
const pidsOf = (cards: readonly { pid: number }[]) => cards.map(card => card.pid)

describe('queue supervise', () => {
  test.concurrent('grows with a backlog, says why, and drains on SIGTERM to a sum', ROOMY, async () => {
    await using server = await startFeedServer({ items: 1, latencyMs: 1_000 })
    await using supervision = await Supervision.create({ FEEDCTL_FETCH_HOST_RATE: '1000', FEEDCTL_FETCH_PER_HOST: '50' })
    const { installation } = supervision
    await furnish(installation, server, 200, 1)
    const supervisor = supervision.start('--min', '1', '--max', '2', '--target-wait', '5', '--concurrency', '1', '--json')
    await supervision.workersOf(supervisor, 1)
    expect(await installation.run(['sync', '--all', '--detach'])).toMatchObject({ exit: 0 })
    const cards = await supervision.workersOf(supervisor, 2)
    expect(cards.map(card => card.queues.map(queue => queue.name))).toEqual([
      ['sync', 'media', 'analytics', 'maintenance'],
      ['sync'],
    ])
    await soon(async () => expect((await supervision.card())?.scalings).toMatchObject([{ from: 1, to: 2 }]))
    expect(await supervision.card()).toMatchObject({
      min: 1,
      max: 2,
      ceiling: 2,
      targetWaitS: 5,
      state: 'working',
      pid: supervisor.pid,
    })
    const end = await supervisor.end('SIGTERM')
    expect(end).toMatchObject({ exit: 143 })
    expect(end.err).toMatch(/1 -> 2 workers: sync: \d+ wait, [\d,]+ s to clear, target 5 s/)
    const sum = JSON.parse(end.out)
    expect(sum).toMatchObject({ failed: 0, started: 2, died: 0 })
    expect(sum.finished).toBeGreaterThan(0)
    expect(sum.interrupted).toHaveLength(sum.handed_back)
    expect([await supervision.board.workers(), await supervision.board.supervisors()]).toEqual([[], []])
    expect(pidsOf(cards).filter(isAlive)).toEqual([])
  })

  test.concurrent('replaces a worker that was killed, and notes its death', ROOMY, async () => {
    await using supervision = await Supervision.create()
    const supervisor = supervision.start('--min', '2', '--max', '2')
    const [victim, other] = await supervision.workersOf(supervisor, 2)
    process.kill(victim?.pid ?? 0, 'SIGKILL')
    await supervision.workers(cards => cards.length === 2 && !pidsOf(cards).includes(victim?.pid ?? 0))
    expect(pidsOf(await supervision.board.workers())).toContain(other?.pid)
    expect(await supervision.board.deathOf(victim?.id ?? '')).toMatchObject({
      how: 'killed by SIGKILL',
      rssBytes: expect.any(Number),
    })
    const end = await supervisor.end('SIGINT')
    expect(end).toMatchObject({ exit: 130 })
    expect(end.err).toMatch(new RegExp(`a worker died: killed by SIGKILL pid=${victim?.pid}`))
    expect(end.out).toMatch(/3 workers started, 1 died/)
  })

  test.concurrent('replaces a worker that reached --max-jobs', ROOMY, async () => {
    await using server = await startFeedServer({ items: 1 })
    await using supervision = await Supervision.create()
    const { installation } = supervision
    await furnish(installation, server, 3, 1)
    const supervisor = supervision.start('--max', '1', '--max-jobs', '1', '--concurrency', '1', '--json')
    await supervision.workersOf(supervisor, 1)
    const sync = installation.start(['sync', '--all', '--json'])
    expect(await sync.ended).toMatchObject({ exit: 0 })
    await supervision.workersOf(supervisor, 1)
    const sum = JSON.parse((await supervisor.end('SIGTERM')).out)
    expect(sum).toMatchObject({ failed: 0, died: 0 })
    // The follower enqueues again what has not moved for 15 s: a job may run twice.
    expect(sum.finished).toBeGreaterThanOrEqual(3)
    expect(sum.started).toBeGreaterThanOrEqual(3)
  })

  test.concurrent(
    'pauses on SIGUSR1, new workers included, resumes on SIGUSR2, and on SIGHUP replaces its workers by such that read the settings',
    ROOMY,
    async () => {
      await using supervision = await Supervision.create()
      const supervisor = supervision.start('--min', '1', '--max', '1')
      const [first] = await supervision.workersOf(supervisor, 1)
      process.kill(supervisor.pid, 'SIGUSR1')
      await supervision.workers(([card]) => card?.state === 'paused')
      await soon(async () => expect((await supervision.card())?.state).toBe('paused'))
      process.kill(first?.pid ?? 0, 'SIGKILL')
      const [second] = await supervision.workers(
        cards => cards.length === 1 && cards[0]?.pid !== first?.pid && cards[0]?.state === 'paused',
      )
      process.kill(supervisor.pid, 'SIGUSR2')
      await supervision.workers(([card]) => card?.state === 'working')
      process.kill(supervisor.pid, 'SIGHUP')
      const [third] = await supervision.workers(cards => cards.length === 1 && cards[0]?.pid !== second?.pid)
      // What replaces a worker from now on cannot read its settings: the one that works stays.
      writeFileSync(join(supervision.installation.env.FEEDCTL_DATA ?? '', '.env'), 'FEEDCTL_NO_SUCH_SETTING=1\n')
      process.kill(supervisor.pid, 'SIGHUP')
      await supervisor.says('FEEDCTL_NO_SUCH_SETTING is not a setting')
      expect(pidsOf(await supervision.board.workers())).toEqual([third?.pid])
      // And when it is gone too, it is of no use to go on.
      process.kill(third?.pid ?? 0, 'SIGKILL')
      const end = await supervisor.ended
      expect(end).toMatchObject({ exit: 3, out: '' })
      expect(end.err).toMatch(/error: FEEDCTL_NO_SUCH_SETTING is not a setting.* \(CONFIG_INVALID\)/)
    },
  )

  test.concurrent('lists what it interrupted when the drain deadline is over, and it is run again', ROOMY, async () => {
    const held: { readonly answers: (() => void)[]; slow: boolean } = { answers: [], slow: true }
    await using publisher = await startPublisher((_path, response) => {
      const answer = () => void response.end(FEED)
      if (held.slow) held.answers.push(answer)
      else answer()
    })
    await using supervision = await Supervision.create({ FEEDCTL_DRAIN_MS: '300' })
    const { installation } = supervision
    await installation.createTenant('acme', [publisher.urlOf('/feed.xml')])
    const start = () => supervision.start('--max', '1', '--json')
    const supervisor = start()
    await supervision.workersOf(supervisor, 1)
    expect(await installation.run(['sync', 'acme', '--detach'])).toMatchObject({ exit: 0 })
    await supervision.workers(cards => cards.some(card => card.jobs.length > 0))
    const end = await supervisor.end('SIGTERM')
    const job = { queue: 'sync', id: expect.any(String), name: 'SyncTenantFeeds', tenant_id: 1 }
    expect(JSON.parse(end.out)).toMatchObject({ finished: 0, failed: 0, handed_back: 1, interrupted: [job], died: 0 })
    held.slow = false
    const another = start()
    await soon(async () => expect(await installation.feeds('acme')).toMatchObject([{ stored_at: expect.any(String) }]))
    await another.end('SIGTERM')
    for (const answer of held.answers) answer()
  })

  test
    .skipIf(!hasSystemdPrograms)
    .concurrent(
      'tells systemd when it is ready, that it lives, and that it stops (needs systemd-notify and python3)',
      ROOMY,
      async () => {
        using systemd = await SystemdSocket.create()
        await using supervision = await Supervision.create()
        const argv = ['queue', 'supervise', '--no-schedule', '--max', '1']
        const supervisor = supervision.installation.start(argv, { ...systemd.env, WATCHDOG_USEC: '2000000' })
        const has = (words: string) => systemd.told().some(message => message.split('|').includes(words))
        await soon(() => expect([has('READY=1'), has('WATCHDOG=1')]).toEqual([true, true]))
        expect(await supervision.workersOf(supervisor, 1)).toHaveLength(1)
        const ready = systemd.told().find(message => message.includes('READY=1'))
        expect(ready).toContain(`MAINPID=${supervisor.pid}`)
        expect(ready).toContain('STATUS=working: 1 of 1 workers consume')
        process.kill(supervisor.pid, 'SIGHUP')
        await soon(() => expect(has('RELOADING=1')).toBe(true))
        // On a busy machine either is told more than once.
        const lastOf = (words: string) => systemd.told().findLastIndex(message => message.split('|').includes(words))
        await soon(() => expect(lastOf('READY=1')).toBeGreaterThan(lastOf('RELOADING=1')))
        expect(has('STOPPING=1')).toBe(false)
        await supervisor.end('SIGTERM')
        await soon(() => expect(has('STOPPING=1')).toBe(true))
      },
    )

  test.concurrent('keeps its settings off the command lines of its workers', ROOMY, async () => {
    await using supervision = await Supervision.create()
    const supervisor = supervision.start()
    const [card] = await supervision.workersOf(supervisor, 1)
    const [pid] = processesWith(`--supervisor ${card?.supervisor}`)
    expect(pid).toBe(card?.pid)
    expect(processesWith(supervision.installation.env.REDIS_URL ?? 'no url')).toEqual([])
    await supervisor.end('SIGTERM')
  })

  test.concurrent('begins the schedule and serves metrics, both of which end with it', ROOMY, async () => {
    await using supervision = await Supervision.create()
    const { installation } = supervision
    const port = await findFreePort()
    const supervisor = installation.start(['queue', 'supervise', '--max', '1', '--metrics', String(port)])
    await supervisor.says('supervising 1 to 1 worker')
    const address = `http://127.0.0.1:${port}/metrics`
    await soon(async () => expect(await (await fetch(address)).text()).toMatch(/^feedctl_workers\{queue="media"\} 1$/m))
    await using app = await installation.open()
    const schedules = await app.schedules()
    await soon(async () =>
      expect((await schedules.list()).map(each => each.id).sort()).toEqual([
        'prune-media',
        'prune-posts',
        'remove-tenants',
        'sync-due',
        'tend-moves',
      ]),
    )
    expect(await supervisor.end('SIGTERM')).toMatchObject({ exit: 143 })
    await expect(fetch(address)).rejects.toThrow('fetch failed')
  })

  test.concurrent('is refused where jobs run in process, and with a least that is above the most', async () => {
    await using embedded = await Installation.create({})
    expect(await embedded.run(['queue', 'supervise'])).toMatchObject({
      exit: 3,
      err: expect.stringContaining('QUEUE_CONNECTION=redis'),
    })
    await using onRedis = await Installation.create({ ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis' })
    expect(await onRedis.run(['queue', 'supervise', '--min', '3', '--max', '2'])).toMatchObject({ exit: 2 })
    expect(await onRedis.run(['queue', 'supervise', '--queue', 'synk'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('--queue sync'),
    })
  })
})
