import { Worker as BullWorker } from 'bullmq'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { WorkerCard } from '../../src/queues/board.js'
import { answerCanary, CANARY } from '../../src/queues/canary.js'
import type { CanaryAnswer } from '../../src/queues/desk.js'
import { judgeHealth } from '../../src/queues/desk-health.js'
import type { RedisQueueOptions } from '../../src/queues/redis.js'
import { RedisBoard } from '../../src/queues/redis-board.js'
import { RedisDesk } from '../../src/queues/redis-desk.js'
import { addJobs, freshRedis, syncJob } from './desk-jobs.js'

const SILENT: CanaryAnswer = { kind: 'silent' }

interface Seen {
  readonly id?: string
  readonly seenAt: number
  readonly state?: WorkerCard['state']
  readonly slots?: number
  readonly active?: number
  readonly queue?: 'sync' | 'media'
}

function card({ id = 'a', seenAt, state = 'working', slots = 5, active = 0, queue = 'sync' }: Seen): WorkerCard {
  const share = { name: queue, slots, active, taken: 0, looks: 0, finished: 0, failed: 0, busyMs: 0, perS: 0 }
  const queues = [{ ...share, recent: { finished: 0, failed: 0 } }]
  return { id, pid: 1, host: 'h', supervisor: null, state, startedAt: 0, seenAt, rssBytes: 0, queues, jobs: [] }
}

describe('the health of a queue', () => {
  it.each<[string, CanaryAnswer, readonly Seen[], readonly Seen[], boolean, string]>([
    ['a canary was taken', { kind: 'answered', afterMs: 12 }, [{ seenAt: 1 }], [{ seenAt: 1 }], true, 'has taken'],
    ['it is paused', { kind: 'paused' }, [{ seenAt: 1 }], [{ seenAt: 2 }], false, 'paused'],
    ['its only worker is frozen', SILENT, [{ seenAt: 1 }], [{ seenAt: 1 }], false, 'sign of life'],
    ['its only worker is frozen with all slots busy', SILENT, [{ seenAt: 1 }], [{ seenAt: 1, active: 5 }], false, 'sign of life'],
    ['its only worker died', SILENT, [{ seenAt: 1 }], [], false, 'sign of life'],
    ['all slots of a live worker are busy', SILENT, [{ seenAt: 1 }], [{ seenAt: 2, active: 5 }], true, 'all 5 slots are busy'],
    ['its one slot is busy', SILENT, [{ seenAt: 1 }], [{ seenAt: 2, slots: 1, active: 1 }], true, 'its one slot is busy'],
    ['a live worker has free slots', SILENT, [{ seenAt: 1 }], [{ seenAt: 2, active: 3 }], false, '2 of 5 slots are free'],
    ['a live worker is paused', SILENT, [{ seenAt: 1 }], [{ seenAt: 2, state: 'paused' }], false, 'take nothing: paused'],
    ['a live worker drains', SILENT, [{ seenAt: 1 }], [{ seenAt: 2, active: 5, state: 'draining' }], false, 'draining'],
    [
      'one of two workers is frozen, and the other full',
      SILENT,
      [{ seenAt: 1 }, { id: 'b', seenAt: 1 }],
      [{ seenAt: 1 }, { id: 'b', seenAt: 2, active: 5 }],
      true,
      'all 5 slots are busy',
    ],
    ['a worker came meanwhile, and is full', SILENT, [], [{ seenAt: 2, active: 5 }], true, 'all 5 slots are busy'],
    ['a live worker consumes another queue', SILENT, [{ seenAt: 1 }], [{ seenAt: 2, queue: 'media' }], false, 'sign of life'],
  ])('when %s', (_, answer, before, after, consuming, why) => {
    const verdict = judgeHealth({ queue: 'sync', withinMs: 10_000, answer, before: before.map(card), after: after.map(card) })
    expect(verdict).toMatchObject({ queue: 'sync', consuming, why: expect.stringContaining(why) })
    expect(verdict.afterMs).toBe(answer.kind === 'answered' ? 12 : null)
  })
})

/** A worker of BullMQ that answers canaries, and takes a while for all else. */
function startWorker(options: RedisQueueOptions, taken: string[]) {
  const connection = options.connect('worker')
  const deed = async (job: { name: string; data: Record<string, unknown> }) => {
    taken.push(job.name)
    if (job.name === CANARY) await answerCanary(connection, options.prefix, job.data.token)
  }
  const worker = new BullWorker('sync', deed, { connection, prefix: `{${options.prefix}}` })
  onTestFinished(async () => {
    await worker.close()
    connection.disconnect()
  })
}

describe('a canary', () => {
  const never = new AbortController().signal
  const open = () => {
    const { options } = freshRedis()
    const desk = new RedisDesk(options)
    const board = new RedisBoard(options.connect('producer'), options.prefix)
    onTestFinished(async () => {
      await desk.close()
      await board.close()
    })
    return { options, desk, board }
  }

  it('is taken before all that waits', async () => {
    const { options, desk } = open()
    await addJobs(options, [syncJob(1), syncJob(2)])
    const asked = desk.canary('sync', 20_000, never)
    await expect.poll(async () => (await desk.counts())[0]?.waiting, { timeout: 10_000 }).toBe(3)
    const taken: string[] = []
    startWorker(options, taken)
    expect(await asked).toMatchObject({ kind: 'answered' })
    expect(taken[0]).toBe('Canary')
  })

  it('is taken back when nobody takes it, and when the asker is stopped', async () => {
    const { desk } = open()
    expect(await desk.canary('sync', 150, never)).toEqual({ kind: 'silent' })
    expect((await desk.counts())[0]).toMatchObject({ waiting: 0 })
    const stop = new AbortController()
    const asked = desk.canary('sync', 60_000, stop.signal)
    stop.abort(new Error('stopped'))
    await expect(asked).rejects.toThrow('stopped')
    expect((await desk.counts())[0]).toMatchObject({ waiting: 0, failed: 0 })
  })

  it('is not sent to a queue that is paused, and not where no worker is', async () => {
    const { desk, board } = open()
    expect(await desk.health('sync', board, 60_000, never)).toMatchObject({ consuming: false, why: 'no worker' })
    await board.putWorker(card({ seenAt: Date.now(), queue: 'media' }))
    expect(await desk.health('sync', board, 60_000, never)).toMatchObject({ consuming: false, why: 'no worker' })
    await board.putWorker(card({ seenAt: Date.now() }))
    await desk.pause('sync')
    expect(await desk.health('sync', board, 60_000, never)).toMatchObject({ consuming: false, why: 'paused' })
  })

  it('tells a worker whose card stands still from one that is busy', async () => {
    const { desk, board } = open()
    await board.putWorker(card({ seenAt: 1, active: 5 }))
    expect(await desk.health('sync', board, 100, never)).toMatchObject({ consuming: false })
    const asked = desk.health('sync', board, 10_000, never)
    await expect.poll(async () => (await desk.counts())[0]?.waiting, { timeout: 10_000, interval: 10 }).toBe(1)
    await board.putWorker(card({ seenAt: 2, active: 5 }))
    expect(await asked).toEqual({ queue: 'sync', consuming: true, afterMs: null, why: 'all 5 slots are busy' })
  })
})
