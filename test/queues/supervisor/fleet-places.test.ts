import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Log } from '../../../src/kernel/log.js'
import { Fleet } from '../../../src/queues/supervisor/fleet.js'
import { refillAfterUnwell } from '../../../src/queues/supervisor/workplace.js'

/**
 * A program that tells of itself as a worker does. `recycles`: the first of them reaches a limit at once, and ends when it is told to;
 * `late`: all but the first tell nothing for long.
 */
const WORKER = `
import { writeFileSync } from 'node:fs'
const [, program, kind, finished] = process.argv
let first = true
try {
  writeFileSync(program + '.first', '', { flag: 'wx' })
} catch {
  first = false
}
let state = process.argv.includes('--paused') ? 'paused' : 'working'
process.on('message', ({ do: order }) => {
  state = order === 'pause' ? 'paused' : 'working'
})
const queue = { name: 'sync', slots: 5, active: 0, taken: 0, looks: 0, finished: Number(finished), failed: 0, recent: { finished: 0, failed: 0 } }
const tell = () => {
  const now = kind === 'recycles' && first ? 'draining' : state
  process.send({ card: { id: 'w' + process.pid, pid: process.pid, state: now, seenAt: Date.now(), rssBytes: 1, queues: [queue], jobs: [] } })
}
process.on('SIGTERM', () => process.exit(143))
process.on('disconnect', () => process.exit(0))
setInterval(() => kind === 'late' && !first || tell(), 50)
`

const SOON = { timeout: 20_000 }
const ASKS = new Map([['sync' as const, { waiting: true, paused: false }]])
const PATIENCE = { drainMs: 1_000, jobMs: 60_000 }

interface Scene {
  readonly fleet: Fleet
  readonly lines: readonly string[]
  readonly states: () => string[]
}

/** A fleet with one place, at moment 0. `finished`: what each of its workers says that it has done. */
function fleetOf(kind: 'plain' | 'recycles' | 'late', finished = 1): Scene {
  const folder = mkdtempSync(join(tmpdir(), 'feedctl-fleet-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const program = join(folder, 'worker.mjs')
  writeFileSync(program, WORKER)
  const lines: string[] = []
  const fleet = new Fleet({
    command: { argv: [process.execPath, program, kind, String(finished)], env: {} },
    queues: ['sync'],
    patience: PATIENCE,
    log: new Log(line => lines.push(line)),
    onDeath: () => {},
  })
  onTestFinished(() => fleet.killAll())
  fleet.want(null, 1, 0)
  return { fleet, lines, states: () => fleet.cards().map(card => card.state) }
}

/** Looks for so many seconds of the loop's clock, in no time; the answer is the moment after. */
function lookFor(fleet: Fleet, seconds: number, from: number): number {
  for (let now = from; now <= from + seconds * 1_000; now += 1_000) fleet.step(now, ASKS)
  return from + seconds * 1_000
}

test('the place of a worker that has reached a limit is filled at once, and the worker ends when its jobs have', async () => {
  const { fleet, states } = fleetOf('recycles')
  fleet.step(0, null)
  await expect.poll(states, SOON).toEqual(['draining'])
  fleet.step(0, null)
  fleet.step(0, null)
  await expect.poll(states, SOON).toEqual(['working', 'draining'])
  expect([fleet.size, fleet.beside, fleet.told]).toEqual([1, 1, 1])
  // It is told to end only when its jobs have had all their time.
  fleet.step(PATIENCE.jobMs, null)
  expect(states()).toEqual(['working', 'draining'])
  fleet.step(PATIENCE.jobMs + 30_000, null)
  await expect.poll(() => fleet.beside, SOON).toBe(0)
  expect(fleet.end()).toMatchObject({ started: 2 })
})

test('the place of a worker that reached a limit before it did anything is filled with delay', async () => {
  // However long its worker takes to begin, it is young.
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
  onTestFinished(() => void clock.mockRestore())
  const { fleet, states } = fleetOf('recycles', 0)
  fleet.step(0, null)
  await expect.poll(states, SOON).toEqual(['draining'])
  for (const now of [0, 0, 1]) fleet.step(now, null)
  expect(fleet.end().started).toBe(1)
  fleet.step(1_000, null)
  expect(fleet.end().started).toBe(2)
})

test('a worker that reached a limit is stopped with its fleet', async () => {
  const { fleet, states } = fleetOf('recycles')
  fleet.step(0, null)
  await expect.poll(states, SOON).toEqual(['draining'])
  fleet.step(0, null)
  expect(fleet.isEmpty).toBe(false)
  fleet.stop(0)
  await expect.poll(() => fleet.isEmpty, SOON).toBe(true)
})

test('the successor of a worker that is found unwell has its place, and nobody else is started for it', async () => {
  const { fleet, lines } = fleetOf('late')
  fleet.step(0, null)
  await expect.poll(() => fleet.told, SOON).toBe(1)
  fleet.renew()
  fleet.step(0, ASKS)
  expect(fleet.beside).toBe(1)
  const now = lookFor(fleet, 35, 1_000)
  expect(lines.join()).toMatch(/a worker (leaves jobs of sync|told nothing)/)
  lookFor(fleet, 5, now)
  expect(fleet.end().started).toBe(2)
  await expect.poll(() => fleet.beside, SOON).toBe(0)
  expect([fleet.size, fleet.isEmpty, fleet.end().started]).toEqual([1, false, 2])
})

test('the place of a worker that was unwell is not filled at once', async () => {
  const { fleet, lines } = fleetOf('plain')
  fleet.step(0, null)
  await expect.poll(() => fleet.told, SOON).toBe(1)
  let now = 0
  for (; lines.length === 0; now += 1_000) fleet.step(now, ASKS)
  fleet.step(now - 1_000, ASKS)
  expect(fleet.end().started).toBe(1)
  fleet.step(now, ASKS)
  expect(fleet.end().started).toBe(2)
})

test.each<[name: string, deaths: number, wellMs: number, after: { deaths: number; delayMs: number }]>([
  ['the first time after half a second', 0, 1_000, { deaths: 1, delayMs: 500 }],
  ['again after more', 3, 1_000, { deaths: 4, delayMs: 4_000 }],
  ['for the hundredth time after a minute', 99, 1_000, { deaths: 100, delayMs: 60_000 }],
  ['after it was well for a minute as for the first time', 9, 60_000, { deaths: 1, delayMs: 500 }],
])('a worker that is unwell is replaced %s', (_name, deaths, wellMs, after) => {
  expect(refillAfterUnwell(deaths, wellMs, 1)).toEqual(after)
})

test('the workers of a paused fleet start paused, and resume with it, successors included', async () => {
  const { fleet, states } = fleetOf('plain')
  fleet.tell('pause')
  const seen: string[][] = []
  fleet.step(0, null)
  await expect.poll(() => seen[seen.push(states()) - 1], SOON).toEqual(['paused'])
  expect(seen.flat()).not.toContain('working')
  fleet.renew()
  fleet.step(0, null)
  fleet.tell('resume')
  await expect.poll(states, SOON).toEqual(['working', 'working'])
})
