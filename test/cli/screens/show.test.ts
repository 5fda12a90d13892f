import { describe, expect, test } from 'vitest'
import { Canvas } from '../../../src/cli/screens/canvas.js'
import type { TenantNames, Watched } from '../../../src/cli/screens/reading.js'
import { showTop } from '../../../src/cli/screens/show.js'
import { WholeScreen } from '../../../src/cli/whole-screen.js'
import { sleep } from '../../../src/kernel/clock.js'
import { Failure } from '../../../src/kernel/errors.js'
import type { Overview } from '../../../src/watch/overview.js'
import { KeptText } from '../../support/cli.js'
import { Glass, glassScreen } from './glass.js'
import { overviewOf } from './overviews.js'

const DOWN = '\u001b[B'

/** Something to look at that may be away; `answers` is what it says next. */
function watched(answers: { overview: () => Promise<Overview> }): Watched {
  return { overview: () => answers.overview(), desk: null, names: { of: async () => new Map() } as unknown as TenantNames }
}

function opened(columns = 80, rows = 24, first = async () => overviewOf()) {
  const answers = { overview: first }
  const controller = new AbortController()
  const ground = glassScreen(columns, rows)
  const ended = showTop(ground.screen, watched(answers), { everyMs: 20, signal: controller.signal })
  const shows = (words: string | RegExp) => expect.poll(() => ground.glass.text, { timeout: 10_000 }).toMatch(words)
  return { ...ground, answers, controller, ended, shows }
}

describe('the screen', () => {
  test('takes the whole terminal and gives it back', async () => {
    const { glass, press, ended, shows, isRaw } = opened()
    await shows(/> sync +1,200/)
    expect(glass.lines).toHaveLength(24)
    expect({ cursor: glass.cursorShown, raw: isRaw() }).toEqual({ cursor: false, raw: true })
    press('q')
    await ended
    expect({ lines: glass.lines, cursor: glass.cursorShown, raw: isRaw() }).toEqual({ lines: null, cursor: true, raw: false })
  })

  test('is left by Ctrl-C, and not by an arrow key whose bytes come one by one', async () => {
    const { press, ended, shows, glass } = opened()
    await shows(/> sync/)
    press('\u001b')
    // Longer than ink waits for the rest of a key.
    await sleep(100)
    press('[B')
    await sleep(100)
    await shows(/\[1 overview\][\s\S]*Tab view/)
    press('\u0003')
    await ended
    expect(glass.lines).toBeNull()
  })

  test('is drawn again when the terminal was resized to the size it had', async () => {
    const { glass, press, ended, shows } = opened()
    await shows(/> sync +1,200/)
    const before = glass.lines
    for (const word of ['resize', 'resize']) glass.emit(word)
    expect(glass.sent.join('')).toContain('\u001b[2J\u001b[?2026h')
    await shows(/> sync +1,200/)
    expect(glass.lines).toEqual(before)
    press('q')
    await ended
  })

  test('takes a terminal of unknown size for one of 24 lines of 80 cells', async () => {
    const { glass, press, ended } = opened(0, 0)
    const sent = (words: string) => expect.poll(() => glass.sent.join(''), { timeout: 10_000 }).toContain(words)
    await sent('> sync')
    await sent('\u001b[24;1H')
    glass.sent.length = 0
    glass.resize(0, 0)
    await sent('\u001b[24;1H')
    press('q')
    await ended
  })

  test('keeps no measures of React', async () => {
    const { press, ended, shows } = opened()
    await shows(/> sync/)
    for (let round = 0; round < 20; round++) {
      press(DOWN)
      await shows(/> media/)
      press('\u001b[A')
      await shows(/> sync/)
    }
    press('q')
    await ended
    expect(performance.getEntriesByType('measure').length).toBeLessThan(20)
  })

  test('goes from view to view, and selects rows', async () => {
    const { press, ended, shows } = opened()
    await shows(/> sync/)
    press(DOWN)
    await shows(/> media/)
    press('\t')
    await shows(/\[2 queues\]/)
    press('5')
    await shows(/\[5 run\][\s\S]*CEILING/)
    press('?')
    await shows('jobs done per second')
    press('?')
    await shows(/\[5 run\][\s\S]*CEILING/)
    press('1q')
    await ended
  })

  test('follows the size of the terminal, without a trace of the one before', async () => {
    const { glass, press, ended, shows } = opened(80, 24)
    await shows(/Tab view/)
    for (const [columns, rows] of [
      [200, 60],
      [60, 10],
      [40, 8],
      [100, 30],
    ] as const) {
      glass.resize(columns, rows)
      await shows(columns < 60 ? 'too small: 40x8' : /overview\][\s\S]*Tab view/)
      expect(glass.lines).toHaveLength(rows)
      expect(glass.text.match(/Tab view/g) ?? []).toHaveLength(columns < 60 ? 0 : 1)
    }
    press('q')
    await ended
  })

  test('keeps the last picture while nothing can be read, hides secrets, and comes back by itself', async () => {
    const { answers, press, ended, shows } = opened()
    await shows(/> sync +1,200/)
    answers.overview = () => Promise.reject(new Failure('UNAVAILABLE', 'hunter2 is not accepted'))
    await shows(/! \*\*\* is not accepted; as of 12:03:04\n[\s\S]*> sync +1,200/)
    answers.overview = async () => overviewOf({ run: null })
    await shows(/^(?![\s\S]*is not accepted)[\s\S]*none yet/)
    press('q')
    await ended
  })

  test('tells what stands in the way of the first reading', async () => {
    const { press, ended, shows } = opened(80, 24, () => Promise.reject(new Failure('UNAVAILABLE', 'the database is away')))
    await shows(/! the database is away; trying again/)
    press('q')
    await ended
  })

  test('sends nothing while nothing changes, and only what changed', async () => {
    const { answers, glass, press, ended, shows } = opened()
    await shows(/> sync +1,200/)
    let readings = 0
    answers.overview = async () => {
      readings++
      return overviewOf({ queues: overviewOf().queues.map(queue => ({ ...queue, processedPerS: 0 })) })
    }
    // The trend of eight readings is full, and flat.
    await expect.poll(() => readings, { timeout: 10_000 }).toBeGreaterThan(12)
    glass.sent.length = 0
    const before = readings
    await expect.poll(() => readings, { timeout: 10_000 }).toBeGreaterThan(before + 5)
    expect(glass.sent).toEqual([])
    answers.overview = async () =>
      overviewOf({ run: null, queues: overviewOf().queues.map(queue => ({ ...queue, processedPerS: 0 })) })
    await shows('none yet')
    expect(glass.sent).toHaveLength(1)
    expect(glass.sent[0]).not.toContain('feedctl top')
    press('q')
    await ended
  })

  test('ends with what aborted it, and with what went wrong in it, and gives the terminal back', async () => {
    const stopped = opened()
    await stopped.shows('overview')
    stopped.controller.abort(new Failure('INTERRUPTED', 'interrupted by SIGTERM'))
    await expect(stopped.ended).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(stopped.glass.lines).toBeNull()

    const broken = opened()
    broken.answers.overview = async () => ({ ...overviewOf(), queues: null }) as unknown as Overview
    await broken.shows(/! .*null/)
    broken.press('q')
    await broken.ended
    expect(broken.glass.lines).toBeNull()
  })
})

describe('the whole screen', () => {
  test('keeps what is written to stderr until it is left, the newest of it', () => {
    const [out, err] = [new Glass(80, 24), new KeptText(true, 80)]
    const whole = new WholeScreen(out, err)
    whole.enter()
    for (let line = 1; line <= 510; line++) err.write(`line ${line}\n`)
    expect(err.text).toBe('')
    whole.leave()
    whole.leave()
    expect(err.text).toMatch(/^10 earlier messages are not shown\nline 11\nline 12\n[\s\S]*line 510\n$/)
    err.write('after\n')
    expect(err.text).toMatch(/line 510\nafter\n$/)
  })

  test('lets a stderr alone that is no terminal', () => {
    const err = new KeptText(false)
    const whole = new WholeScreen(new Glass(80, 24), err)
    whole.enter()
    err.write('to a file\n')
    expect(err.text).toBe('to a file\n')
    whole.leave()
  })

  test('leaves no listener on the process behind', () => {
    const count = () =>
      process.listenerCount('exit') + process.listenerCount('uncaughtExceptionMonitor') + process.listenerCount('SIGHUP')
    const before = count()
    const whole = new WholeScreen(new Glass(80, 24), new KeptText(true, 80))
    whole.enter()
    expect(count()).toBe(before + 3)
    whole.leave()
    expect(count()).toBe(before)
  })
})

test('a canvas removes the lines that a shorter picture has not, and draws all of it when it is blank', () => {
  const glass = new Glass(20, 5)
  new WholeScreen(glass, new KeptText()).enter()
  const canvas = new Canvas(glass as unknown as NodeJS.WriteStream)
  canvas.write('one\ntwo\nthree\nfour\nfive\nsix')
  expect(glass.lines).toEqual(['one', 'two', 'three', 'four', 'five'])
  canvas.write('one\n2')
  expect(glass.lines).toEqual(['one', '2', '', '', ''])
  expect(glass.sent.at(-1)).not.toContain('one')
  canvas.blank()
  canvas.write('one\n2')
  expect(glass.lines).toEqual(['one', '2', '', '', ''])
})
