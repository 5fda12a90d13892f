import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { wordsOf } from '../../kernel/errors.js'
import { NoConnection } from '../api/connection.js'
import type { ShareOrder, ShareResult } from './order.js'
import { sendShare } from './share.js'

/** What a thread tells, in this order. */
export type ThreadWord =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly result: ShareResult }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string }

const port = parentPort
if (port === null) throw new Error('not a thread')
const say = (word: ThreadWord) => port.postMessage(word)
try {
  const result = await sendShare(workerData as ShareOrder, async () => {
    const begin = once(port, 'message') as Promise<[number]>
    say({ kind: 'ready' })
    return (await begin)[0]
  })
  say({ kind: 'done', result })
} catch (error) {
  say({ kind: error instanceof NoConnection ? 'refused' : 'failed', why: wordsOf(error) })
}
port.close()
