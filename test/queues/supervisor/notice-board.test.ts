import { Redis } from 'ioredis'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { Log } from '../../../src/kernel/log.js'
import { RedisBoard } from '../../../src/queues/index.js'
import { NoticeBoard } from '../../../src/queues/supervisor/notice-board.js'
import { deleteRedisKeys, sharedRedisEnv } from '../../support/drivers.js'
import { cardOf } from './cards.js'

const env = sharedRedisEnv()
afterAll(() => deleteRedisKeys(env))

test('the card of a worker that was seen to die is taken off the board, its death noted; the others stay', async () => {
  const board = new RedisBoard(new Redis(env.REDIS_URL ?? ''), env.FEEDCTL_REDIS_PREFIX ?? '')
  onTestFinished(() => board.close())
  await board.putWorker(cardOf({ id: 'dead' }))
  await board.putWorker(cardOf({ id: 'alive' }))
  const notices = new NoticeBoard(board, new Log(() => {}))
  notices.noteDeath({ worker: 'dead', at: 1, how: 'killed by SIGKILL', rssBytes: null })
  await notices.close('supervisor')
  expect((await board.workers()).map(card => card.id)).toEqual(['alive'])
  expect(await board.deathOf('dead')).toMatchObject({ how: 'killed by SIGKILL' })
  expect(await board.deathOf('alive')).toBeNull()
})
