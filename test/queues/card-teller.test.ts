import { describe, expect, it } from 'vitest'
import { Log } from '../../src/kernel/log.js'
import type { WorkerCard } from '../../src/queues/board.js'
import { CardTeller } from '../../src/queues/card-teller.js'

/** One that tells, and what it has asked of a Redis that answers a card when `answer` does. */
function telling(answer: Promise<void>): { teller: CardTeller; asked: string[] } {
  const asked: string[] = []
  const ask = (what: string, answered: Promise<void>) => () => {
    asked.push(what)
    return answered
  }
  const teller = new CardTeller({
    card: () => ({}) as WorkerCard,
    tell: () => {},
    put: ask('put', answer),
    remove: ask('remove', Promise.resolve()),
    log: new Log(() => {}),
  })
  teller.tellNow()
  return { teller, asked }
}

describe('the card of a worker that ends', () => {
  it('is taken off the board though Redis has not answered yet that it is there', async () => {
    const { teller, asked } = telling(new Promise(() => {}))
    await teller.end()
    expect(asked).toEqual(['put', 'remove'])
  })

  it('is taken off again when that is answered: it may have come there last', async () => {
    let answer = () => {}
    const { teller, asked } = telling(
      new Promise(resolve => {
        answer = resolve
      }),
    )
    const ended = teller.end()
    expect(asked).toEqual(['put', 'remove'])
    answer()
    await ended
    expect(asked).toEqual(['put', 'remove', 'remove'])
  })
})
