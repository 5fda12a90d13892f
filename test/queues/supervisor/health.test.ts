import { describe, expect, test } from 'vitest'
import type { CardQueue, WorkerCard } from '../../../src/queues/index.js'
import { freshHealth, judge, type QueueAsk, type Verdict } from '../../../src/queues/supervisor/health.js'
import { cardOf } from './cards.js'

interface Scene {
  readonly card?: Partial<WorkerCard> | null
  readonly queue?: Partial<CardQueue>
  readonly ask?: QueueAsk | null
  /** What changes from look to look. */
  readonly each?: (second: number) => Scene
  readonly everyMs?: number
}

/** Looks at the same worker once a second for so long; answers when it is first found unwell, in seconds. */
function firstUnwell(scene: Scene, seconds: number): { at: number; verdict: Verdict } | null {
  const everyMs = scene.everyMs ?? 1_000
  let memory = freshHealth(0)
  for (let second = 1; second <= seconds; second++) {
    const now = { ...scene, ...scene.each?.(second) }
    const card = now.card === null ? null : cardOf({ seenAt: second, ...now.card }, { looks: second, ...now.queue })
    const queues = now.ask === null ? null : new Map([['sync' as const, now.ask ?? { waiting: false, paused: false }]])
    const looked = judge(memory, { now: second * everyMs, card, queues })
    if (looked.verdict.kind !== 'well') return { at: second, verdict: looked.verdict }
    memory = looked.memory
  }
  return null
}

const WAITING: QueueAsk = { waiting: true, paused: false }
const STILL: Verdict = { kind: 'still', queue: 'sync' }
const FROZEN: Verdict = { kind: 'frozen' }
const DEAF: Verdict = { kind: 'deaf', queue: 'sync' }

describe('a worker', () => {
  test.each<[name: string, scene: Scene, found: { at: number; verdict: Verdict } | null]>([
    ['that tells and has nothing to do is well', {}, null],
    ['that tells nothing any more is frozen after 30 s', { card: { seenAt: 7 } }, { at: 31, verdict: FROZEN }],
    ['that has told nothing yet has a minute', { card: null }, { at: 60, verdict: FROZEN }],
    ['that tells now and then is well', { each: second => ({ card: { seenAt: second - (second % 25) } }) }, null],
    ['that leaves what waits is still after 30 s', { ask: WAITING }, { at: 31, verdict: STILL }],
    ['that takes now and then is well', { ask: WAITING, each: second => ({ queue: { taken: Math.floor(second / 20) } }) }, null],
    ['whose slots are all taken is well', { ask: WAITING, queue: { active: 5 } }, null],
    ['that has one slot left is not', { ask: WAITING, queue: { active: 4 } }, { at: 31, verdict: STILL }],
    [
      'is well when nothing waits in some looks',
      { each: second => ({ ask: { waiting: second % 20 !== 0, paused: false } }) },
      null,
    ],
    ['of a paused queue is well', { ask: { waiting: true, paused: true } }, null],
    ['that is paused is well', { ask: WAITING, card: { state: 'paused' } }, null],
    ['that is held by a full Redis is well', { ask: WAITING, card: { state: 'full' }, queue: { looks: 7 } }, null],
    [
      'that is held by a full Redis now and then has its time anew each time',
      { ask: WAITING, each: second => ({ card: { state: second % 20 === 0 ? 'full' : 'working' } }) },
      null,
    ],
    ['that asks for nothing is deaf after 40 s, though nothing waits', { queue: { looks: 7 } }, { at: 41, verdict: DEAF }],
    ['that asks now and then is well', { each: second => ({ queue: { looks: Math.floor(second / 30) } }) }, null],
    ['that asks for nothing while all its slots are taken is well', { queue: { looks: 7, active: 5 } }, null],
    [
      'that takes jobs without having asked is well',
      { each: second => ({ queue: { looks: 7, taken: Math.floor(second / 30) } }) },
      null,
    ],
    ['that asks for nothing while it is paused is well', { card: { state: 'paused' }, queue: { looks: 7 } }, null],
    ['that drains is well', { ask: WAITING, card: { state: 'draining' } }, null],
    ['that does not consume the queue is well', { ask: WAITING, card: { queues: [] } }, null],
    ['is not blamed while Redis is away', { ask: null, card: { seenAt: 7 } }, null],
    [
      'is given its time anew when Redis is back',
      { each: second => ({ ask: second < 100 ? null : WAITING }) },
      { at: 130, verdict: STILL },
    ],
  ])('%s', (_name, scene, found) => {
    expect(firstUnwell(scene, 200)).toEqual(found)
  })

  test('is not blamed for the time in which the supervisor itself was held up', () => {
    expect(firstUnwell({ card: { seenAt: 7 }, everyMs: 600_000 }, 15)).toBeNull()
    expect(firstUnwell({ ask: WAITING, everyMs: 600_000 }, 15)).toBeNull()
  })
})
