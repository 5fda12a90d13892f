import { describe, expect, test } from 'vitest'
import { Log } from '../../../src/kernel/log.js'
import type { WorkerCard } from '../../../src/queues/index.js'
import { Orphans } from '../../../src/queues/supervisor/orphans.js'
import { cardOf } from './cards.js'

const GONE = 'here:10:gone'
const OWN = 'this-installation'
const WORKER = [
  ...['/usr/bin/node', '/opt/bin/feedctl.js', 'queue', 'work', '--supervisor', GONE],
  ...['--installation', OWN, '--queue', 'sync', ''],
]
const ORPHAN = cardOf({ id: 'here:77:w', pid: 77, supervisor: GONE })

/** Looks at the moments, ms; answers the signals that were sent, and when. */
function signalsOf(
  cards: readonly WorkerCard[],
  commands: (at: number) => Record<number, string[]>,
  moments: readonly number[],
  listed: (at: number) => readonly number[] = () => [],
): string[] {
  const sent: string[] = []
  let at = 0
  const orphans = new Orphans(25_000, OWN, new Log(() => {}), {
    pids: () => listed(at),
    commandOf: pid => commands(at)[pid] ?? null,
    isGone: holder => holder === GONE,
    signal: (pid, name) => sent.push(`${at}: ${name} ${pid}`),
  })
  for (at of moments) orphans.step(at, at === moments[0] ? cards : [])
  return sent
}

describe('an orphan', () => {
  const there = () => ({ 77: WORKER })

  test('is told to stop once, and killed after the deadline, also when its card is gone by then', () => {
    expect(signalsOf([ORPHAN], there, [0, 1_000, 29_000, 30_000, 31_000])).toEqual(['0: SIGTERM 77', '30000: SIGKILL 77'])
  })

  test('that drains already is only killed after the deadline', () => {
    expect(signalsOf([{ ...ORPHAN, state: 'draining' }], there, [0, 30_000])).toEqual(['30000: SIGKILL 77'])
  })

  test('that ended in time is left alone, also when its number is given again', () => {
    const other = (at: number) => ({ 77: at === 0 ? WORKER : ['/usr/bin/mariadbd'] })
    expect(signalsOf([ORPHAN], other, [0, 30_000])).toEqual(['0: SIGTERM 77'])
    expect(signalsOf([ORPHAN], at => (at === 0 ? { 77: WORKER } : {}) as Record<number, string[]>, [0, 30_000])).toEqual([
      '0: SIGTERM 77',
    ])
  })

  test('is found among all processes when it has no card any more, also later on', () => {
    const all = [1, 77, 78]
    expect(signalsOf([], there, [0, 1_000, 30_000], () => all)).toEqual(['0: SIGTERM 77', '30000: SIGKILL 77'])
    const moments = [0, 5_000, 10_000, 40_000]
    expect(signalsOf([], there, moments, at => (at < 5_000 ? [1] : all))).toEqual(['10000: SIGTERM 77', '40000: SIGKILL 77'])
  })

  test('that is found both ways is told to stop once, or not at all when it drains', () => {
    expect(signalsOf([ORPHAN], there, [0, 11_000], () => [77])).toEqual(['0: SIGTERM 77'])
    expect(signalsOf([{ ...ORPHAN, state: 'draining' }], there, [0, 11_000], () => [77])).toEqual([])
  })

  test.each<[name: string, command: string[]]>([
    ['of another installation', WORKER.map(word => (word === OWN ? 'another' : word))],
    ['of no installation', WORKER.filter(word => word !== '--installation' && word !== OWN)],
    ['whose supervisor lives', WORKER.map(word => (word === GONE ? 'here:11:alive' : word))],
    ['that only speaks of one', ['grep', '--supervisor', GONE, '--installation', OWN]],
  ])('is no process without a card %s', (_name, command) => {
    expect(
      signalsOf(
        [],
        () => ({ 77: command }),
        [0, 60_000],
        () => [77],
      ),
    ).toEqual([])
  })

  test.each<[name: string, card: WorkerCard, command: string[]]>([
    ['a worker whose supervisor lives', { ...ORPHAN, supervisor: 'here:11:alive' }, WORKER],
    ['a worker that nobody supervises', { ...ORPHAN, supervisor: null }, WORKER],
    ['a process that is no worker', ORPHAN, ['vi', '--supervisor', GONE]],
    ['a worker of another supervisor', ORPHAN, WORKER.map(word => (word === GONE ? 'here:11:alive' : word))],
    ['the supervisor', ORPHAN, ['node', 'feedctl.js', 'queue', 'supervise']],
    ['a process that has ended, and is not yet buried', ORPHAN, ['']],
  ])('is not %s', (_name, card, command) => {
    expect(signalsOf([card], () => ({ 77: command }), [0, 60_000])).toEqual([])
  })
})
