import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterAll, expect, test } from 'vitest'
import { RedisBoard, type WorkerCard } from '../../src/queues/index.js'
import { deleteRedisKeys, sharedRedisEnv } from '../support/drivers.js'
import { job } from './contract.js'
import { freshOptions, openQueue } from './redis-workers.js'

const env = sharedRedisEnv()
afterAll(() => deleteRedisKeys(env))

const SCRIPT = fileURLToPath(new URL('poison-worker.js', import.meta.url))
const DEATHS = 2

/** Worker processes, replaced when they die, whose deaths are noted on the board. */
class Fleet implements AsyncDisposable {
  deaths = 0
  log = ''
  private readonly children = new Set<ChildProcess>()
  private closing = false

  constructor(
    private readonly settings: { url: string; prefix: string; quarantineAfter: number },
    private readonly board: RedisBoard,
    count: number,
  ) {
    for (let n = 0; n < count; n++) this.start()
  }

  private start(): void {
    const child = fork(SCRIPT, [JSON.stringify(this.settings)], {
      env: {},
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.children.add(child)
    let card: WorkerCard | null = null
    child.stderr?.on('data', (chunk: Buffer) => {
      this.log += chunk.toString()
    })
    child.on('message', message => {
      card = message as WorkerCard
    })
    child.on('exit', (_code, signal) => {
      this.children.delete(child)
      if (this.closing) return
      this.deaths++
      void this.board.noteDeath({ worker: card?.id ?? '', at: Date.now(), how: `killed by ${signal}`, rssBytes: null })
      this.start()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closing = true
    const ends = [...this.children].map(child => new Promise(resolve => child.once('exit', resolve)))
    for (const child of this.children) child.kill('SIGKILL')
    await Promise.all(ends)
  }
}

test('a job that kills its workers ends in quarantine with its history; what ran or waited beside it is done', {
  timeout: 90_000,
}, async () => {
  const url = env.REDIS_URL ?? ''
  const options = freshOptions(url, env.FEEDCTL_REDIS_PREFIX ?? '')
  const queue = openQueue(options)
  const redis = new Redis(url)
  const board = new RedisBoard(redis, options.prefix)
  const key = (part: string) => `{${options.prefix}}:${part}`
  const innocents = Array.from({ length: 12 }, (_, n) => `innocent ${n}`)
  await queue.add([
    job('poison'),
    ...innocents.map((id, n) => ({ ...job(id), queue: n % 2 ? ('sync' as const) : ('media' as const) })),
  ])

  await using fleet = new Fleet({ url, prefix: options.prefix, quarantineAfter: DEATHS }, board, 2)
  const soon = { timeout: 60_000 }
  await expect.poll(() => redis.lrange(key('buried'), 0, -1), soon).toEqual(['poison JOB_QUARANTINED'])
  await expect.poll(async () => Object.keys(await redis.hgetall(key('done'))).sort(), soon).toEqual([...innocents].sort())
  expect(fleet.deaths).toBe(DEATHS)
  expect(fleet.log).toContain('Note is run alone')
  await expect.poll(() => fleet.log, soon).toContain('error Note is in quarantine: 2 workers died of it')

  await expect.poll(() => redis.zcard(key('sync:failed')), soon).toBe(1)
  expect(await redis.zcard(key('media:failed'))).toBe(0)
  const [id = ''] = await redis.zrange(key('sync:failed'), 0, -1)
  expect(await redis.hget(key(`sync:${id}`), 'failedReason')).toBe('JOB_QUARANTINED: 2 workers died of it')
  const held = await redis.hgetall(key('quarantine'))
  expect(Object.keys(held)).toEqual(['sync job:poison'])
  const record = JSON.parse(held['sync job:poison'] ?? '')
  expect(record).toMatchObject({ queue: 'sync', id, name: 'Note', payload: { id: 'poison' }, tenantId: null })
  expect(record.history).toHaveLength(DEATHS)
  for (const line of record.history) expect(line).toMatch(/^\d{4}-.+Z its worker \(pid \d+ on .+\) died: killed by SIGKILL$/)

  expect(await queue.add([job('poison'), job('new')])).toEqual({ added: 1, existing: 0, quarantined: ['job:poison'] })
  await expect.poll(() => redis.hget(key('done'), 'new'), soon).toBe('1')
  await redis.hdel(key('quarantine'), 'sync job:poison')
  expect(await queue.add([job('poison')])).toMatchObject({ added: 1 })
  redis.disconnect()
})
