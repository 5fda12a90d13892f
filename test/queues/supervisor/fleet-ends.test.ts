import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Log } from '../../../src/kernel/log.js'
import type { WorkerDeath } from '../../../src/queues/index.js'
import { Fleet } from '../../../src/queues/supervisor/fleet.js'

/** A program that tells of itself, as a worker does, and does at SIGTERM, or at a word, what it was started for. */
const WORKER = `
const deed = process.argv[2]
process.on('SIGTERM', () => {
  if (deed === 'ends') process.exit(143)
  if (deed === 'crashes') process.exit(1)
})
const tell = () => process.send({ card: { id: 'one', pid: process.pid, state: 'working', seenAt: Date.now(), rssBytes: 1, queues: [], jobs: [] } })
setInterval(tell, 50)
tell()
if (deed === 'is done') process.on('message', () => process.exit(0))
process.on('disconnect', () => process.exit(0))
`

const DRAIN_MS = 1_000
const LONG_AFTER = 60_000

/** What is noted of a worker of this kind that has told of itself when `deed` was done to its fleet. */
async function notedOf(kind: string, deed: (fleet: Fleet) => void): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'feedctl-fleet-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const program = join(folder, 'worker.mjs')
  writeFileSync(program, WORKER)
  const deaths: WorkerDeath[] = []
  const fleet = new Fleet({
    command: { argv: [process.execPath, program, kind], env: {} },
    queues: ['sync'],
    patience: { drainMs: DRAIN_MS, jobMs: DRAIN_MS },
    log: new Log(() => {}),
    onDeath: death => deaths.push(death),
  })
  onTestFinished(() => fleet.killAll())
  fleet.want(null, 1, 0)
  fleet.step(0, null)
  await expect.poll(() => fleet.told, { timeout: 20_000 }).toBe(1)
  deed(fleet)
  await expect.poll(() => deaths.length, { timeout: 20_000 }).toBe(1)
  return deaths[0]?.how ?? ''
}

const stop = (fleet: Fleet) => fleet.stop(0)
const stopAndTire = (fleet: Fleet) => {
  fleet.stop(0)
  fleet.step(LONG_AFTER, null)
}

test.each<[string, string, (fleet: Fleet) => void, string]>([
  ['ends when it is told to', 'ends', stop, 'told to stop'],
  ['does not, and is killed for it', 'lingers', stopAndTire, 'told to stop'],
  // The word tells it when, so that it has told of itself before: no signal is sent.
  ['ends by itself', 'is done', fleet => fleet.tell('pause'), 'told to stop'],
  ['is killed', 'lingers', fleet => fleet.killAll(), 'killed by SIGKILL'],
  // By whoever: its jobs may be the reason.
  [
    'is killed before its time to end is over',
    'lingers',
    fleet => {
      fleet.stop(0)
      fleet.killAll()
    },
    'killed by SIGKILL, by its supervisor',
  ],
  ['breaks when it is told to end', 'crashes', stop, 'exit status 1'],
])('of a worker that %s (%s) is noted how', async (_, kind, deed, how) => {
  expect(await notedOf(kind, deed)).toBe(how)
})
