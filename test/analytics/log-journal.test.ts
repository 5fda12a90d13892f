import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, rmdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { encodeBatch } from '../../src/analytics/log/codec.js'
import { Journal } from '../../src/analytics/log/journal.js'
import { recordOf } from '../../src/analytics/log/records.js'
import { thisMachine } from '../../src/kernel/holder.js'
import { Log } from '../../src/kernel/log.js'
import { temporaryFolder } from '../support/folders.js'
import { batchOf, drained, keepsTheLogContract } from './log-contract.js'

const ids = async (journal: Journal) => (await drained(journal)).map(({ id }) => id)

function openJournal(folder: string, lines: string[] = [], maxBytes = 1024 ** 3): Journal {
  const journal = new Journal({ folder, maxBytes, log: new Log(line => lines.push(line)) })
  onTestFinished(() => journal.close())
  return journal
}

const AT = String(1_700_000_000_000)
const DEAD = encodeURIComponent(`${thisMachine()}:4194305:token`)
const ELSEWHERE = encodeURIComponent('elsewhere+12:1:token')

/** A segment as a process left it. */
function leave(folder: string, name: string, ...parts: Buffer[]): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), Buffer.concat(parts))
  return join(folder, name)
}

const record = (id: string) => recordOf(encodeBatch(batchOf(id)))

describe('the journal', () => {
  keepsTheLogContract(() => {
    const folder = join(temporaryFolder(), 'analytics')
    return {
      open: (maxBytes = 1024 ** 3) => new Journal({ folder, maxBytes, log: new Log(() => {}) }),
      settings: { folder },
    }
  })

  it('is for its user only, and makes nothing before the first batch', async () => {
    const folder = join(temporaryFolder(), 'made', 'analytics')
    const journal = openJournal(folder)
    expect(await journal.take(1)).toBeNull()
    expect(() => statSync(folder)).toThrow('ENOENT')
    await journal.append(batchOf('first'))
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    const [name = ''] = readdirSync(folder)
    expect(name).toMatch(/^open\./)
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    await journal.close()
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^sealed\.\d{13}-[\w-]{22}\.1$/)])
  })

  it.each([
    ['half its head', 3],
    ['its head only', 8],
    ['all but the last byte', -1],
  ])('hands out what a dead process wrote before the record of which there is %s', async (_part, length) => {
    const folder = temporaryFolder()
    leave(folder, `open.${AT}-a.${DEAD}`, record('one'), record('two'), record('torn').subarray(0, length))
    leave(folder, `open.${AT}-b.${DEAD}`, record('torn').subarray(0, length))
    leave(folder, `open.${AT}-c.${DEAD}`)
    expect(await ids(openJournal(folder))).toEqual(['one', 'two'])
    expect(readdirSync(folder)).toEqual([])
  })

  it('takes over from a machine that is gone only what nobody has touched for a minute', async () => {
    const folder = temporaryFolder()
    const silent = leave(folder, `open.${AT}-a.${ELSEWHERE}`, record('silent'))
    utimesSync(silent, new Date(), new Date(Date.now() - 61_000))
    const held = leave(folder, `taken.${AT}-b.1.${ELSEWHERE}`, record('held'))
    const journal = openJournal(folder)
    expect(await ids(journal)).toEqual(['silent'])
    utimesSync(held, new Date(), new Date(Date.now() - 61_000))
    expect(await ids(journal)).toEqual(['held'])
  })

  it('waits for others to seal what they write also when it is held up itself', async () => {
    const folder = temporaryFolder()
    const [other, journal] = [openJournal(folder), openJournal(folder)]
    await other.append(batchOf('of the other'))
    const now = performance.now.bind(performance)
    let heldUpMs = 0
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
      heldUpMs += 1_100
      return now() + heldUpMs
    })
    onTestFinished(() => clock.mockRestore())
    expect(await ids(journal)).toEqual(['of the other'])
  })

  it('refuses what it wrote to a segment that was taken from it, and goes on with another', async () => {
    const folder = temporaryFolder()
    const journal = openJournal(folder)
    await journal.append(batchOf('kept'))
    const [name = ''] = readdirSync(folder)
    renameSync(join(folder, name), join(folder, `sealed.${AT}-a.1`))
    await expect(journal.append(batchOf('lost'))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await journal.append(batchOf('next'))
    // The one that was refused may be there: it was written after the one that took the segment had looked, or before.
    expect((await ids(journal)).filter(id => id !== 'lost')).toEqual(['kept', 'next'])
  })

  it('keeps what is damaged for people, says so, and hands out the rest', async () => {
    const folder = temporaryFolder()
    const broken = record('broken')
    broken.writeUInt8(broken.readUInt8(20) ^ 1, 20)
    leave(folder, `sealed.${AT}-a.3`, record('good'), broken, record('behind'))
    leave(folder, `sealed.${AT}-b.1`, recordOf(Buffer.from([99, 1, 2, 3])))
    leave(folder, 'notes.txt', Buffer.from('of somebody else'))
    const lines: string[] = []
    expect(await ids(openJournal(folder, lines))).toEqual(['good'])
    expect(readdirSync(folder).sort()).toEqual([`damaged.${AT}-a`, `damaged.${AT}-b`, 'notes.txt'])
    expect(lines.join('\n')).toContain('lost=2')
    expect(lines.join('\n')).toContain('written by another feedctl (version 99)')
    expect(await openJournal(folder).backlog()).toEqual({ batches: 0, bytes: 0, oldestAt: null })
  })

  it('hands out the others where a segment cannot be read, says so, and that one once it can', async () => {
    const folder = temporaryFolder()
    const bad = join(folder, `sealed.${AT}-a.1`)
    mkdirSync(bad)
    leave(folder, `sealed.${AT}-b.1`, record('good'))
    const lines: string[] = []
    const journal = openJournal(folder, lines)
    const taken = await journal.take(1_000)
    expect(taken?.batches.map(({ id }) => id)).toEqual(['good'])
    await taken?.done()
    await expect(journal.take(1_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(lines.join()).toContain('cannot be read')
    expect(readdirSync(folder)).toEqual([`sealed.${AT}-a.1`])
    rmdirSync(bad)
    leave(folder, `sealed.${AT}-a.1`, record('mended'))
    expect(await ids(journal)).toEqual(['mended'])
  })

  it('hands out no more bytes at once than memory should hold', async () => {
    const folder = temporaryFolder()
    const batch = batchOf('large', 20_000)
    const large = recordOf(
      encodeBatch({ ...batch, events: { ...batch.events, extras: new Array(20_000).fill('x'.repeat(900)) } }),
    )
    for (const name of ['a', 'b', 'c']) leave(folder, `sealed.${AT}-${name}.1`, large)
    const taken = await openJournal(folder).take(500_000)
    expect(taken?.batches).toHaveLength(2)
  })

  it('begins another segment when one is large', async () => {
    const folder = temporaryFolder()
    const journal = openJournal(folder)
    for (let n = 0; n < 5; n++) await journal.append(batchOf(`${n}`, 50_000))
    const names = readdirSync(folder)
    expect(names.filter(name => name.startsWith('sealed.')).length).toBeGreaterThan(0)
    for (const name of names) expect(statSync(join(folder, name)).size).toBeLessThan(3 * 1024 * 1024)
    expect((await ids(journal)).sort()).toEqual(['0', '1', '2', '3', '4'])
  })

  it('says that the disk is full, keeps what it acknowledged, and goes on when there is room', async ({ skip }) => {
    const place = temporaryFolder()
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'feedctl-test', place], { stdio: 'pipe' })
    } catch {
      skip('this user may not mount a small disk')
    }
    onTestFinished(() => void execFileSync('umount', [place]))
    const journal = openJournal(join(place, 'analytics'))
    const kept: string[] = []
    let refused: unknown = null
    for (let n = 0; refused === null && n < 200; n++) {
      await journal.append(batchOf(`${n}`, 500)).then(
        () => kept.push(`${n}`),
        error => {
          refused = error
        },
      )
    }
    expect(refused).toMatchObject({ code: 'DISK_FULL', retry: true })
    expect(kept.length).toBeGreaterThan(5)
    await expect(journal.append(batchOf('still full', 500))).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await ids(journal)).toEqual(kept)
    await journal.append(batchOf('room', 500))
    expect(await ids(journal)).toEqual(['room'])
    await journal.close()
  })
})
