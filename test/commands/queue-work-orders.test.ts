import { type ChildProcess, fork } from 'node:child_process'
import type { ServerResponse } from 'node:http'
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { RedisBoard, type WorkerCard } from '../../src/queues/index.js'
import type { BinProcess } from '../e2e/bin-process.js'
import { Installation } from '../e2e/installation.js'
import { startPublisher } from '../e2e/publisher.js'
import { BIN } from '../support/bin.js'
import { sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { startRedis } from '../support/redis.js'

const onRedis = (): TestEnv => ({ ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis' })
const SOON = { timeout: 20_000 }

function boardOf(installation: Installation): RedisBoard {
  const { REDIS_URL: url = '', FEEDCTL_REDIS_PREFIX: prefix = '' } = installation.env
  const board = new RedisBoard(new Redis(url), prefix)
  onTestFinished(() => board.close())
  return board
}

describe('a worker process', () => {
  const stateOn = async (board: RedisBoard) => (await board.workers()).map(({ state }) => state)
  const signal = (worker: BinProcess, name: NodeJS.Signals) => process.kill(worker.pid, name)

  test('pauses at SIGUSR1, goes on at SIGUSR2, and ends well at SIGHUP', async () => {
    await using installation = await Installation.create(onRedis())
    const board = boardOf(installation)
    const worker = await installation.startWorker(['--json'])
    await expect.poll(() => stateOn(board), SOON).toEqual(['working'])
    signal(worker, 'SIGUSR1')
    await expect.poll(() => stateOn(board), SOON).toEqual(['paused'])
    await installation.createTenant('acme', [])
    await installation.run(['sync', 'acme', '--detach'])
    signal(worker, 'SIGUSR2')
    await expect.poll(async () => (await board.workers())[0]?.queues[0]?.finished, SOON).toBe(1)
    const { exit, out, err } = await worker.end('SIGHUP')
    expect(exit).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ finished: 1, reason: 'reload' })
    expect(err).toContain('draining (SIGHUP)')
    expect(await board.workers()).toEqual([])
  })
})

test('a worker process ends at SIGTERM though Redis stops to answer, and dies, while it drains', async () => {
  await using redis = await startRedis()
  await using installation = await Installation.create({ ...onRedis(), ...redis.env, FEEDCTL_DRAIN_MS: '500' })
  const worker = await installation.startWorker(['--json'])
  redis.pause()
  const ended = worker.end('SIGTERM')
  await worker.says('draining')
  await redis.kill()
  const { exit, out } = await ended
  await redis.start()
  expect(exit).toBe(143)
  expect(JSON.parse(out)).toMatchObject({ handed_back: 0, reason: 'signal' })
}, 60_000)

/** What a supervisor has of a worker that it started. */
class Supervised {
  readonly cards: WorkerCard[] = []
  readonly ended: Promise<{ exit: number | null; out: string }>
  readonly child: ChildProcess

  constructor(installation: Installation) {
    const { env } = installation
    const flags = ['queue', 'work', '--json', '--queue', 'sync', '--supervisor', 'host:1:boss']
    this.child = fork(BIN, flags, {
      env: { ...env },
      cwd: env.FEEDCTL_DATA,
      execArgv: [],
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    })
    let out = ''
    this.child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    this.child.on('message', message => this.cards.push((message as { card: WorkerCard }).card))
    // Not `close`: that may not come when this side closes the channel.
    const exited = new Promise<number | null>(resolve => this.child.on('exit', resolve))
    const read = new Promise(resolve => this.child.stdout?.on('end', resolve))
    this.ended = Promise.all([exited, read]).then(([exit]) => ({ exit, out }))
    onTestFinished(() => void this.child.kill('SIGKILL'))
  }
}

describe('a worker process with a supervisor', () => {
  test('sends its cards, heeds its orders, and drains when it is gone', async () => {
    await using installation = await Installation.create(onRedis())
    const { cards, child, ended } = new Supervised(installation)
    await expect.poll(() => cards.length, SOON).toBeGreaterThan(1)
    expect(cards[0]).toMatchObject({ pid: child.pid, supervisor: 'host:1:boss', state: 'working', queues: [{ name: 'sync' }] })
    child.send({ do: 'pause' })
    await expect.poll(() => cards.at(-1)?.state, SOON).toBe('paused')
    child.send({ do: 'dance' })
    child.send({ do: 'resume' })
    await expect.poll(() => cards.at(-1)?.state, SOON).toBe('working')
    child.disconnect()
    const { exit, out } = await ended
    expect(exit).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ finished: 0, reason: 'supervisor-gone' })
  })

  test('ends at SIGTERM though the channel is open, its last card draining', async () => {
    await using installation = await Installation.create(onRedis())
    const { cards, child, ended } = new Supervised(installation)
    await expect.poll(() => cards.length, SOON).toBeGreaterThan(0)
    child.kill('SIGTERM')
    expect((await ended).exit).toBe(143)
    expect(cards.at(-1)?.state).toBe('draining')
  })

  test('finishes what it has begun though it is told so twice, and ends at once by SIGINT', async () => {
    const held: ServerResponse[] = []
    await using publisher = await startPublisher((_path, response) => void held.push(response))
    await using installation = await Installation.create(onRedis())
    const job = (number: number) => installation.run(['sync', `acme-${number}`, '--detach'])
    for (const number of [1, 2]) await installation.createTenant(`acme-${number}`, [publisher.urlOf(`/${number}`)])
    const drains = async ({ cards, child }: Supervised) => {
      child.kill('SIGTERM')
      await expect.poll(() => cards.at(-1)?.state, SOON).toBe('draining')
    }

    const patient = new Supervised(installation)
    await job(1)
    await expect.poll(() => held.length, SOON).toBe(1)
    await drains(patient)
    patient.child.kill('SIGTERM')
    // It goes on to tell of itself.
    const { length } = patient.cards
    await expect.poll(() => patient.cards.length, SOON).toBeGreaterThan(length + 1)
    held[0]?.writeHead(410).end()
    const { exit, out } = await patient.ended
    expect(exit).toBe(143)
    expect(JSON.parse(out)).toMatchObject({ finished: 1, handed_back: 0, reason: 'signal' })

    const hurried = new Supervised(installation)
    await job(2)
    await expect.poll(() => held.length, SOON).toBe(2)
    await drains(hurried)
    hurried.child.kill('SIGINT')
    expect(await hurried.ended).toEqual({ exit: 130, out: '' })
  })
})
