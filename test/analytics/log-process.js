import { writeSync } from 'node:fs'
import { Redis } from 'ioredis'
import { Journal } from '../../dist/src/analytics/log/journal.js'
import { EventStream } from '../../dist/src/analytics/log/stream.js'
import { Log } from '../../dist/src/kernel/log.js'

/** Appends to a log, or takes from it, until it is killed. What it has been promised, it says: a batch's id on each line. */
const { deed, name, folder, url, prefix } = JSON.parse(process.argv[2])
const common = { maxBytes: 1024 ** 3, log: new Log(() => {}) }
const log =
  folder === undefined ? new EventStream({ ...common, redis: new Redis(url), prefix }) : new Journal({ ...common, folder })

const tell = id => writeSync(1, `${id}\n`)

function batch(number) {
  const length = 1 + (number % 50)
  const words = () => Uint32Array.from({ length }, (_, index) => number * 100 + index)
  return {
    tenantId: 1 + (number % 3),
    id: `${name}:${number}`,
    acceptedAt: Date.now(),
    events: {
      length,
      kinds: ['view'],
      kind: new Uint16Array(length),
      post: new Float64Array(length).fill(number),
      at: new Float64Array(length).fill(Date.now()),
      visitorHigh: words(),
      visitorLow: words(),
      extras: null,
    },
  }
}

if (deed === 'take') {
  let taken = null
  // Who holds it may be too busy to hand it over at the first time.
  while (taken === null) taken = await log.take(1_000)
  for (const { id } of taken.batches) tell(id)
  setInterval(() => {}, 1_000)
} else {
  let number = 0
  const appendOn = async () => {
    for (;;) {
      const next = batch(number++)
      await log.append(next)
      tell(next.id)
    }
  }
  await Promise.all(Array.from({ length: 5 }, appendOn))
}
