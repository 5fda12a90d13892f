import type { Io } from '../src/cli/io.js'
import { Failure } from '../src/kernel/errors.js'
import { opening } from './opening.js'
import { examples, type Program, wholeNumber } from './program.js'

export function register(program: Program, io: Io): void {
  const queue = program.command('queue')
  const work = queue
    .command('work')
    .description('consume the sync queue in this process until it is told to stop')
    .option('--concurrency <n>', 'tenants at once', wholeNumber(1, 1000), 5)
    .option('--tries <n>', 'attempts before a job is failed', wholeNumber(1, 100), 5)
    .option('--max-jobs <n>', 'end after this many jobs', wholeNumber(1, 1_000_000_000))
    .action(async ({ concurrency, tries, maxJobs }) => {
      await using app = await opening(io)
      if (app.config.queueConnection !== 'redis') {
        throw new Failure('CONFIG_INVALID', 'there is no queue to consume: QUEUE_CONNECTION is sync', {
          hint: 'QUEUE_CONNECTION=redis',
        })
      }
      if (app.config.cacheDriver === 'memory') {
        io.log.warn('CACHE_DRIVER is memory: workers cannot share documents, and ask publishers again; set CACHE_DRIVER=redis')
      }
      const worker = await app.work({ concurrency, tries, maxJobs: maxJobs ?? null })
      io.note(`working on the sync queue, ${concurrency} tenants at once (pid ${process.pid}); Ctrl-C drains`)
      await Promise.race([worker.ended, stopped(io.signal)])
      if (io.signal.aborted) io.note(`draining: up to ${app.config.drainMs / 1000} s for what is in flight`)
      const end = await worker.stop(app.config.drainMs)
      io.print(end, value => `done: ${value.finished} jobs finished, ${value.failed} failed, ${value.handedBack} handed back`)
      io.signal.throwIfAborted()
    })
  examples(work, ['feedctl queue work', 'feedctl queue work --concurrency 32 --tries 3', 'feedctl queue work --max-jobs 1000'])
  examples(queue, ['feedctl queue work'])
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
