import { Redis } from 'ioredis'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { RedisBoard, type SupervisorCard, type WorkerCard } from '../../src/queues/index.js'
import { deleteRedisKeys, sharedRedisEnv } from '../support/drivers.js'
import { findFreePort } from '../support/server.js'

const env = sharedRedisEnv()
afterAll(() => deleteRedisKeys(env))

let turn = 0
const freshPrefix = () => `${env.FEEDCTL_REDIS_PREFIX}b${++turn}`

function openBoard(prefix: string): RedisBoard {
  const board = new RedisBoard(new Redis(env.REDIS_URL ?? '', { maxRetriesPerRequest: 1 }), prefix)
  onTestFinished(() => board.close())
  return board
}

const worker = (id: string, own: Partial<WorkerCard> = {}): WorkerCard => ({
  id,
  pid: 1,
  host: 'host',
  supervisor: null,
  state: 'working',
  startedAt: 1,
  seenAt: 2,
  rssBytes: 3,
  queues: [],
  jobs: [],
  ...own,
})

const supervisor = (id: string, own: Partial<SupervisorCard> = {}): SupervisorCard => ({
  id,
  pid: 1,
  host: 'host',
  state: 'working',
  startedAt: 1,
  seenAt: 2,
  min: 1,
  max: 2,
  ceiling: 2,
  workers: 1,
  targetWaitS: 30,
  scalings: [],
  ...own,
})

describe('the board', () => {
  it('is empty at first', async () => {
    const board = openBoard(freshPrefix())
    expect([await board.workers(), await board.supervisors(), await board.deathOf('host:1:a')]).toEqual([[], [], null])
  })

  it('shows the cards of one process to another, the newest of each, in the order of their start', async () => {
    const prefix = freshPrefix()
    const [one, other] = [openBoard(prefix), openBoard(prefix)]
    await one.putWorker(worker('b', { startedAt: 5 }))
    await other.putWorker(worker('c', { startedAt: 2 }))
    await other.putWorker(worker('a', { startedAt: 5 }))
    const newest = worker('b', {
      startedAt: 5,
      state: 'draining',
      jobs: [{ queue: 'sync', id: '1', name: 'Note', tenantId: null, startedAt: 7 }],
    })
    await one.putWorker(newest)
    for (const board of [one, other]) {
      expect(await board.workers()).toEqual([worker('c', { startedAt: 2 }), worker('a', { startedAt: 5 }), newest])
      expect(await board.supervisors()).toEqual([])
    }
  })

  it('tells supervisors from workers of the same id', async () => {
    const board = openBoard(freshPrefix())
    await board.putWorker(worker('same'))
    await board.putSupervisor(supervisor('same', { scalings: [{ at: 1, from: 1, to: 2, why: 'sync: 1,200 wait' }] }))
    expect(await board.workers()).toEqual([worker('same')])
    expect(await board.supervisors()).toMatchObject([{ id: 'same', scalings: [{ why: 'sync: 1,200 wait' }] }])
    await board.removeWorker('same')
    expect([(await board.workers()).length, (await board.supervisors()).length]).toEqual([0, 1])
    await board.removeSupervisor('same')
    expect(await board.supervisors()).toEqual([])
  })

  it('is calm when done twice, and with what was never there', async () => {
    const board = openBoard(freshPrefix())
    await board.putWorker(worker('a'))
    await board.putWorker(worker('a'))
    expect(await board.workers()).toHaveLength(1)
    for (const id of ['a', 'a', 'nobody']) await board.removeWorker(id)
    expect(await board.workers()).toEqual([])
  })

  it('forgets the card that is not renewed, and keeps the neighbours', async () => {
    const prefix = freshPrefix()
    const board = openBoard(prefix)
    await board.putWorker(worker('dies'))
    await board.putWorker(worker('dies-2'))
    const redis = new Redis(env.REDIS_URL ?? '')
    const key = `{${prefix}}:board:worker:dies`
    const left = await redis.pttl(key)
    expect(left).toBeGreaterThan(10_000)
    expect(left).toBeLessThanOrEqual(15_000)
    expect(await board.silenceOf('dies')).toBeLessThan(5_000)
    await redis.pexpire(key, 1)
    await expect.poll(() => board.workers()).toEqual([worker('dies-2')])
    expect(await board.silenceOf('dies')).toBeNull()
    redis.disconnect()
  })

  it('is told from the board of another prefix', async () => {
    const prefix = freshPrefix()
    await openBoard(prefix).putWorker(worker('a'))
    expect(await openBoard(`${prefix}x`).workers()).toEqual([])
  })

  it('keeps odd bytes', async () => {
    const board = openBoard(freshPrefix())
    const odd = worker('höst+1:2:{x} \n"', { host: 'é\u0000"\\\n', supervisor: '' })
    await board.putWorker(odd)
    expect(await board.workers()).toEqual([odd])
    await board.removeWorker(odd.id)
    expect(await board.workers()).toEqual([])
  })

  it('remembers how a worker died, the newest word, for a day', async () => {
    const prefix = freshPrefix()
    const board = openBoard(prefix)
    await board.noteDeath({ worker: 'a', at: 1, how: 'exit status 134', rssBytes: null })
    await board.noteDeath({ worker: 'a', at: 2, how: 'killed by SIGKILL', rssBytes: 5 })
    expect(await board.deathOf('a')).toEqual({ worker: 'a', at: 2, how: 'killed by SIGKILL', rssBytes: 5 })
    expect(await board.deathOf('b')).toBeNull()
    const redis = new Redis(env.REDIS_URL ?? '')
    expect(await redis.pttl(`{${prefix}}:board:death:a`)).toBeGreaterThan(23 * 3600 * 1000)
    redis.disconnect()
  })

  it('knows which job a worker runs alone, until that has ended', async () => {
    const board = openBoard(freshPrefix())
    expect(await board.aloneIn('a')).toBeNull()
    await board.putAlone('a', 'job')
    expect([await board.aloneIn('a'), await board.aloneIn('b')]).toEqual(['job', null])
    await board.putAlone('a', null)
    await board.putAlone('a', null)
    expect(await board.aloneIn('a')).toBeNull()
  })

  it('is UNAVAILABLE where no Redis answers', async () => {
    const redis = new Redis({ port: await findFreePort(), maxRetriesPerRequest: 1, retryStrategy: () => 10 })
    redis.on('error', () => {})
    const board = new RedisBoard(redis, freshPrefix())
    const failure = { code: 'UNAVAILABLE' }
    await expect(board.putWorker(worker('a'))).rejects.toMatchObject(failure)
    await expect(board.removeWorker('a')).rejects.toMatchObject(failure)
    await expect(board.workers()).rejects.toMatchObject(failure)
    await expect(board.supervisors()).rejects.toMatchObject(failure)
    await expect(board.deathOf('a')).rejects.toMatchObject(failure)
    await board.close()
  })
})
