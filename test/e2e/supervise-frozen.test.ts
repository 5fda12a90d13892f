import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import type { App } from '../../src/app.js'
import { sleep } from '../../src/kernel/clock.js'
import { thisProcess } from '../../src/kernel/holder.js'
import { Log } from '../../src/kernel/log.js'
import { Supervisor, Systemd } from '../../src/queues/supervisor/index.js'
import { STILL_WORKER } from '../queues/supervisor/still-worker.js'
import { BIN } from '../support/bin.js'
import { startRedis } from '../support/redis.js'
import { isAlive, processesWith, Supervision, soon } from './supervision.js'

const ROOMY = { timeout: 180_000 }
/** A program of which the first process is deaf: it tells of itself, and asks for no jobs. The others are workers. */
const DEAF_THEN_WORKERS = `
import { writeFileSync } from 'node:fs'
let isDeaf = true
try {
  writeFileSync(import.meta.filename + '.first', '', { flag: 'wx' })
} catch {
  isDeaf = false
}
if (isDeaf) {
${STILL_WORKER.replace('queue.looks++', '')}
} else {
  await import(${JSON.stringify(pathToFileURL(BIN).href)})
}
`

/** A supervisor in this process, whose workers are of the program. */
async function supervisorOf(supervision: Supervision, app: App, argv: readonly string[], lines: string[], workers = 1) {
  const log = new Log(line => lines.push(line))
  return new Supervisor({
    min: workers,
    max: workers,
    targetWaitMs: 30_000,
    queues: ['sync'],
    slots: 5,
    memoryBytes: 1024 ** 3,
    connections: null,
    patience: { drainMs: 1_000, jobMs: 1_000 },
    installation: 'this',
    command: { argv: [process.execPath, ...argv], env: supervision.installation.env },
    desk: await app.desk(),
    board: supervision.board,
    systemd: new Systemd({}, log),
    log,
    note: () => {},
  })
}

function disposable(redis: Redis) {
  return {
    redis,
    [Symbol.asyncDispose]: async () => redis.disconnect(),
  }
}

const pidsOf = (cards: readonly { pid: number }[]) => cards.map(card => card.pid)

test.concurrent('a worker that is stopped is killed and replaced, and its death noted', ROOMY, async () => {
  await using supervision = await Supervision.create()
  const supervisor = supervision.start('--min', '1', '--max', '1')
  const [frozen] = await supervision.workersOf(supervisor, 1)
  const pid = frozen?.pid ?? 0
  process.kill(pid, 'SIGSTOP')
  await supervision.workers(cards => cards.length === 1 && cards[0]?.pid !== pid)
  await soon(() => expect(isAlive(pid)).toBe(false))
  await soon(async () =>
    expect((await supervision.board.deathOf(frozen?.id ?? ''))?.how).toBe('killed by SIGKILL, by its supervisor'),
  )
  const end = await supervisor.end('SIGTERM')
  expect(end.err).toMatch(/a worker told nothing for 3\d s, and is killed/)
})

test.concurrent(
  'the workers of a supervisor that was killed end, stopped ones too, and its successor has its own',
  ROOMY,
  async () => {
    await using supervision = await Supervision.create({ FEEDCTL_DRAIN_MS: '1000' })
    const killed = supervision.start('--min', '2', '--max', '2')
    const old = await supervision.workersOf(killed, 2)
    const [stopped, other] = pidsOf(old)
    process.kill(stopped ?? 0, 'SIGSTOP')
    expect(await killed.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
    // By then the board knows nothing of the one that is stopped.
    await supervision.workers(cards => cards.length === 0)
    const successor = supervision.start('--min', '2', '--max', '2')
    const own = await supervision.workersOf(successor, 2)
    await soon(() => expect(processesWith(`--supervisor ${old[0]?.supervisor}`)).toEqual([]))
    expect(pidsOf(own).filter(isAlive)).toHaveLength(2)
    expect(pidsOf(own)).not.toContain(other)
    const end = await successor.end('SIGTERM')
    expect(end.err).toMatch(new RegExp(`a worker whose supervisor has died is told to stop pid=${stopped}`))
    expect(end.err).toMatch(new RegExp(`an orphan worker did not stop in time, and is killed pid=${stopped}`))
  },
)

test.concurrent('a worker that lives, but takes nothing of what waits, is replaced', ROOMY, async () => {
  await using supervision = await Supervision.create()
  await using app = await supervision.installation.open()
  const program = join(supervision.installation.env.FEEDCTL_DATA ?? '', 'still-worker.mjs')
  writeFileSync(program, STILL_WORKER)
  const lines: string[] = []
  const supervisor = await supervisorOf(supervision, app, [program, '--supervisor', 'this'], lines)
  const stop = new AbortController()
  const running = supervisor.run(stop.signal)
  const first = await soon(() => processesWith(program)[0] ?? Promise.reject(new Error('no worker yet')))
  // Nothing waits but the supervisor's own canaries.
  await soon(() => expect(lines.join('\n')).toMatch(/a worker leaves jobs of sync for 30 s that it has slots for/))
  const successors = () => processesWith(program).filter(pid => pid !== first)
  await soon(() => expect(successors()).toHaveLength(1))
  stop.abort()
  expect(await running).toMatchObject({ started: 2, died: 0 })
  expect(processesWith(program)).toEqual([])
  expect((await supervision.board.deathOf(`still:${first}`))?.how).toBe('told to stop')
})

test.concurrent('a worker that asks for no jobs any more is replaced, though another takes all there are', ROOMY, async () => {
  await using supervision = await Supervision.create()
  await using app = await supervision.installation.open()
  const program = join(supervision.installation.env.FEEDCTL_DATA ?? '', 'deaf-worker.mjs')
  writeFileSync(program, DEAF_THEN_WORKERS)
  const lines: string[] = []
  const argv = [program, 'queue', 'work', '--supervisor', thisProcess(), '--json', '--quiet']
  const supervisor = await supervisorOf(supervision, app, argv, lines, 2)
  const stop = new AbortController()
  const running = supervisor.run(stop.signal)
  await soon(() => expect(lines.join('\n')).toMatch(/a worker has asked for no jobs of sync for 40 s, and is replaced/))
  await supervision.workers(cards => cards.length === 2)
  stop.abort()
  expect(await running).toMatchObject({ started: 3, died: 0 })
})

test.concurrent('while Redis is full the workers are kept, though they take nothing of what waits', ROOMY, async () => {
  await using redis = await startRedis()
  await using supervision = await Supervision.create(redis.env)
  const { installation } = supervision
  for (const slug of ['acme', 'globex', 'initech']) await installation.createTenant(slug, [])
  expect(await installation.run(['sync', '--all', '--detach'])).toMatchObject({ exit: 0 })
  await using client = disposable(new Redis(redis.url))
  await client.redis.config('SET', 'maxmemory', 1)
  const supervisor = supervision.start('--min', '1', '--max', '1', '--json')
  await supervisor.says('OOM')
  // Longer than a worker may leave what waits.
  await sleep(36_000)
  await client.redis.config('SET', 'maxmemory', 0)
  await supervision.workers(([card]) => card?.queues[0]?.finished === 3)
  const end = await supervisor.end('SIGTERM')
  expect(JSON.parse(end.out)).toMatchObject({ finished: 3, started: 1, died: 0 })
})

test.concurrent('while Redis is away the workers are kept, and it is said once', ROOMY, async () => {
  await using redis = await startRedis()
  await using supervision = await Supervision.create(redis.env)
  const supervisor = supervision.start('--min', '2', '--max', '2')
  const before = await supervision.workersOf(supervisor, 2)
  await redis.stop()
  await supervisor.says('Redis does not answer: the workers are kept')
  await sleep(8_000)
  expect(pidsOf(before).filter(isAlive)).toHaveLength(2)
  await redis.start()
  await supervisor.says('Redis answers again')
  const after = await supervision.workersOf(supervisor, 2)
  expect(pidsOf(after).sort()).toEqual(pidsOf(before).sort())
  const end = await supervisor.end('SIGTERM')
  // What a busy machine makes of the time after that is not asked here.
  const [away = ''] = end.err.split('Redis answers again')
  expect(away.match(/Redis does not answer: the workers are kept/g)).toHaveLength(1)
  expect(end.out).toMatch(/2 workers started, 0 died/)
})
