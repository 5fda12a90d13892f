import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Log } from '../../dist/src/kernel/log.js'
import { startRedisWorker } from '../../dist/src/queues/index.js'

/** A worker process one of whose jobs kills it. Its supervisor hears its cards; what it has done, it notes in Redis. */
const { url, prefix, quarantineAfter } = JSON.parse(process.argv[2])
const redis = new Redis(url)

startRedisWorker({
  connect: purpose => new Redis(url, { maxRetriesPerRequest: purpose === 'worker' ? null : 1 }),
  prefix,
  log: new Log(line => process.stderr.write(`${line}\n`), 'warn'),
  queues: ['sync', 'media'],
  concurrency: 3,
  tries: 2,
  timeoutMs: 60_000,
  quarantineAfter,
  maxJobs: null,
  maxTimeMs: null,
  memoryBytes: null,
  supervisor: null,
  tell: card => process.send(card),
  pace: { lockMs: 5_000, stallCheckMs: 300 },
  bury: async (_name, { id }, { code }) => void (await redis.rpush(`{${prefix}}:buried`, `${id} ${code}`)),
  handler: async (_name, { id }) => {
    await pause(200)
    if (id === 'poison') process.kill(process.pid, 'SIGKILL')
    await redis.hincrby(`{${prefix}}:done`, id, 1)
  },
})
process.once('disconnect', () => process.exit())
