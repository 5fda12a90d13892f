import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ProgressMode } from '../../src/cli/flags.js'
import { DEFAULT_FLAGS } from '../../src/cli/flags.js'
import { type CliOptions, runDeed } from '../support/cli.js'

const TTY = { columns: 80 }

async function follow(progress: ProgressMode, options: CliOptions = {}, flags: { quiet?: boolean } = {}): Promise<string> {
  const { err } = await runDeed(async terminal => {
    terminal.settle({ ...DEFAULT_FLAGS, ...flags, progress })
    await terminal.prepare()
    const shown = terminal.progress('sync', 'tenants')
    shown.start(4)
    shown.update(1, { failed: 0 })
    vi.advanceTimersByTime(5000)
    shown.update(4, { failed: 1 })
    shown.stop()
    shown.stop()
  }, options)
  return err
}

describe('progress', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'Date'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('is a plain line every five seconds and one at the end where there is no terminal', async () => {
    expect(await follow('auto')).toBe('sync: 1 of 4 tenants (25%), failed 0\nsync: 4 of 4 tenants (100%), failed 1\n')
  })

  it('never animates off a terminal, in a CI, or on a dumb terminal', async () => {
    const plain = await follow('plain')
    expect(await follow('bar')).toBe(plain)
    expect(await follow('bar', { tty: TTY, env: { CI: '1' } })).toBe(plain)
    expect(await follow('auto', { tty: TTY, env: { TERM: 'dumb' } })).toBe(plain)
  })

  it('is a bar on a terminal, left complete', async () => {
    const shown = await follow('auto', { tty: TTY })
    expect(shown).toContain('25% 1/4 tenants')
    expect(shown).toMatch(/100% 4\/4 tenants, .* left, failed 1/)
  })

  it('is one JSON object per line with json', async () => {
    const lines = (await follow('json', { tty: TTY })).trimEnd().split('\n')
    expect(lines).toHaveLength(6)
    expect(lines.map(line => JSON.parse(line)).at(-1)).toEqual({
      progress: 'sync',
      unit: 'tenants',
      done: 4,
      total: 4,
      facts: { failed: 1 },
    })
  })

  it('says nothing with none, or when quiet', async () => {
    expect(await follow('none')).toBe('')
    expect(await follow('json', {}, { quiet: true })).toBe('')
    expect(await follow('bar', { tty: TTY }, { quiet: true })).toBe('')
  })

  it('shows no share of a total that nobody knows', async () => {
    const { err } = await runDeed(async terminal => {
      const shown = terminal.progress('export')
      shown.start(0)
      shown.update(7)
      shown.stop()
    })
    expect(err).toBe('export: 7\n')
  })

  it('ends by itself with a command that fails, and gives way to lines on the same terminal', async () => {
    const { err, exit } = await runDeed(
      async terminal => {
        terminal.settle(DEFAULT_FLAGS)
        await terminal.prepare()
        terminal.progress('sync').start(2)
        terminal.note('a note')
        throw new Error('broken')
      },
      { tty: TTY },
    )
    expect(exit).toBe(1)
    expect(err).toContain('\r\u001b[2K\u001b[?7ha note\n\u001b[?7l\u001b7')
    expect(vi.getTimerCount()).toBe(0)
  })
})
