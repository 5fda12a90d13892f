import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { sleep } from '../../src/kernel/clock.js'
import { Failure } from '../../src/kernel/errors.js'
import { thisMachine } from '../../src/kernel/holder.js'
import { Log } from '../../src/kernel/log.js'
import { insertRows } from '../../src/tenants/databases/index.js'
import { judgeLock, unlessLocked, withLock } from '../../src/tenants/locks.js'
import { describeDatabases, type Installation, openInstallation } from './installation.js'

const HOST = thisMachine()

describeDatabases('a lock', env => {
  const held = (installation: Installation, name: string, holder: string, expiresInMs: number) =>
    insertRows(installation.catalog.database, 'locks', [
      { name, holder, acquired_at: Date.UTC(2026, 0, 31), expires_at: Date.now() + expiresInMs },
    ])
  const holders = async ({ catalog }: Installation, name: string) =>
    (await catalog.kysely.selectFrom('locks').select('holder').where('name', '=', name).execute()).map(row => row.holder)

  /** As if the clock had been set since the holder's last beat. */
  const move = async ({ catalog }: Installation, name: string, ms: number) => {
    const expiresAt = Date.now() + ms
    await catalog.kysely.updateTable('locks').set({ expires_at: expiresAt }).where('name', '=', name).execute()
  }

  it('is held while the deed runs and free afterwards', async () => {
    const here = await openInstallation(env)
    const during = await withLock(here.catalog, 'deed', () => holders(here, 'deed'))
    expect([during.length, during[0]?.startsWith(`${HOST}:${process.pid}:`), await holders(here, 'deed')]).toEqual([1, true, []])
  })

  it('is refused while another holds it, this very process included, naming the holder', async () => {
    const [mine, theirs] = [await openInstallation(env), await openInstallation(env)]
    await withLock(mine.catalog, 'busy', async () => {
      const second = withLock(theirs.catalog, 'busy', async () => expect.fail('two at once'))
      await expect(second).rejects.toMatchObject({
        code: 'LOCKED',
        exit: 7,
        message: expect.stringContaining(`busy is already running: pid ${process.pid} on ${HOST.replace(/\+\d+$/, '')} since 20`),
      })
      expect(await withLock(theirs.catalog, 'busy 2', async () => 'neighbour')).toBe('neighbour')
    })
  })

  it('is had by exactly one of many that race', async () => {
    const sides = await Promise.all([1, 2, 3].map(() => openInstallation(env)))
    let release: () => void = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const refusals: unknown[] = []
    const races = sides
      .flatMap(side => [side, side])
      .map(side => withLock(side.catalog, 'race', () => held.then(() => 'won')).catch(error => void refusals.push(error.code)))
    await vi.waitFor(() => expect(refusals).toEqual(Array(5).fill('LOCKED')), { timeout: 20_000 })
    release()
    expect((await Promise.all(races)).filter(result => result === 'won')).toHaveLength(1)
  })

  it('is a reason to leave the deed to its holder, where that is asked for; failures of the deed itself are not', async () => {
    const here = await openInstallation(env)
    const lines: string[] = []
    const log = new Log(line => lines.push(line), 'info')
    await withLock(here.catalog, 'job', async () => {
      expect(await unlessLocked(here.catalog, 'job', log, async () => expect.fail('two at once'))).toBe(false)
    })
    expect(lines).toEqual([expect.stringContaining(`deed="job" why="job is already running: pid ${process.pid} `)])
    expect(await unlessLocked(here.catalog, 'job', log, async () => {})).toBe(true)
    const inner = unlessLocked(here.catalog, 'job', log, () => Promise.reject(new Failure('LOCKED', 'of something else')))
    await expect(inner).rejects.toThrow('of something else')
  })

  it('is freed when the deed fails', async () => {
    const here = await openInstallation(env)
    await expect(withLock(here.catalog, 'fails', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await withLock(here.catalog, 'fails', async () => 'again')).toBe('again')
  })

  it('is taken over from a process of this machine that has ended', async () => {
    const here = await openInstallation(env)
    await held(here, 'dead', `${HOST}:${2 ** 22 + 1}:token`, 60_000)
    expect(await withLock(here.catalog, 'dead', async () => 'taken')).toBe('taken')
    expect(await holders(here, 'dead')).toEqual([])
  })

  it('is taken over from another machine once that is not heard of, and not before', async () => {
    const here = await openInstallation(env)
    await held(here, 'fresh', 'elsewhere:1:token', 30_000)
    await expect(withLock(here.catalog, 'fresh', async () => 0)).rejects.toMatchObject({
      code: 'LOCKED',
      message: 'fresh is already running: pid 1 on elsewhere since 2026-01-31T00:00:00.000Z',
    })
    expect(await holders(here, 'fresh')).toEqual(['elsewhere:1:token'])
    await held(here, 'silent', 'elsewhere:1:token', -1)
    expect(await withLock(here.catalog, 'silent', async () => 'taken')).toBe('taken')
  })

  it('that was taken over is left to its new holder by the old one', async () => {
    const here = await openInstallation(env)
    await withLock(here.catalog, 'lost', async () => {
      await here.catalog.kysely.updateTable('locks').set({ holder: 'elsewhere:1:token' }).where('name', '=', 'lost').execute()
    })
    expect(await holders(here, 'lost')).toEqual(['elsewhere:1:token'])
  })

  it('is taken over at once from a process that was killed', async () => {
    const here = await openInstallation(env)
    const victim = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    await once(victim, 'spawn')
    await held(here, 'killed', `${HOST}:${victim.pid}:token`, 60_000)
    await expect(withLock(here.catalog, 'killed', async () => 0)).rejects.toThrow(`pid ${victim.pid} on `)
    victim.kill('SIGKILL')
    await once(victim, 'exit')
    expect(await withLock(here.catalog, 'killed', async () => 'taken')).toBe('taken')
  })

  const QUICK = { ttlMs: 400, heartbeatMs: 100 }
  const HOUR_MS = 3_600_000

  it('that reaches too far ahead since the clock was set back is taken over when no beat comes, and not when one does', async () => {
    const [here, there] = [await openInstallation(env), await openInstallation(env)]
    await held(here, 'ahead', 'elsewhere:1:token', HOUR_MS)
    expect(await withLock(here.catalog, 'ahead', async () => 'taken', QUICK)).toBe('taken')
    await withLock(
      there.catalog,
      'beating',
      async () => {
        await move(there, 'beating', HOUR_MS)
        await expect(withLock(here.catalog, 'beating', async () => 0, { ...QUICK, heartbeatMs: 5_000 })).rejects.toThrow(
          'is already running',
        )
      },
      QUICK,
    )
  })

  it('that is up since the clock was set forward stays with a living process of this machine that beats, and with no other', async () => {
    const [here, there] = [await openInstallation(env), await openInstallation(env)]
    await withLock(
      there.catalog,
      'living',
      async () => {
        await move(there, 'living', -HOUR_MS)
        await expect(withLock(here.catalog, 'living', async () => 0, { ...QUICK, heartbeatMs: 5_000 })).rejects.toThrow(
          'is already running',
        )
      },
      QUICK,
    )
    await held(here, 'frozen', `${HOST}:${process.pid}:token`, -1)
    expect(await withLock(here.catalog, 'frozen', async () => 'taken', QUICK)).toBe('taken')
  })

  it('that was lost tells its old holder, who stops and says to whom', async () => {
    const here = await openInstallation(env)
    const takeAway = () =>
      here.catalog.kysely.updateTable('locks').set({ holder: 'elsewhere:7:token' }).where('name', '=', 'slept')
    const message = expect.stringMatching(
      /^slept was taken over, since this process was not heard of for 0.4 s: pid 7 on elsewhere/,
    )
    const heeding = withLock(
      here.catalog,
      'slept',
      async lost => {
        await takeAway().execute()
        await new Promise((_, reject) => lost.addEventListener('abort', () => reject(lost.reason)))
      },
      QUICK,
    )
    await expect(heeding).rejects.toMatchObject({ code: 'LOCKED', message })
    expect(await holders(here, 'slept')).toEqual(['elsewhere:7:token'])
    await here.catalog.kysely.deleteFrom('locks').where('name', '=', 'slept').execute()
    const heedless = withLock(
      here.catalog,
      'slept',
      async lost => {
        await takeAway().execute()
        await vi.waitFor(() => expect(lost.aborted).toBe(true), { timeout: 20_000 })
      },
      QUICK,
    )
    await expect(heedless).rejects.toMatchObject({ code: 'LOCKED', message })
  })

  it('that is held by its beats is not lost by them', async () => {
    const here = await openInstallation(env)
    const beaten = async () => {
      const row = await here.catalog.kysely
        .selectFrom('locks')
        .select('expires_at')
        .where('name', '=', 'beaten')
        .executeTakeFirst()
      return Number(row?.expires_at)
    }
    const isLost = await withLock(
      here.catalog,
      'beaten',
      async lost => {
        const first = await beaten()
        await vi.waitFor(async () => expect(await beaten()).toBeGreaterThan(first), { timeout: 20_000 })
        return lost.aborted
      },
      { ...QUICK, ttlMs: 60_000 },
    )
    expect(isLost).toBe(false)
  })

  it('that is let go of while one listens for its beats is had', async () => {
    const here = await openInstallation(env)
    await held(here, 'ending', `${HOST}:${process.pid}:token`, -1)
    const having = withLock(here.catalog, 'ending', async () => 'had', { ...QUICK, heartbeatMs: 20_000 })
    await sleep(300)
    await here.catalog.kysely.deleteFrom('locks').where('holder', '=', `${HOST}:${process.pid}:token`).execute()
    expect(await having).toBe('had')
  })
})

describe('a lock is judged', () => {
  const [mine, other] = [`${HOST}:${process.pid}:token`, 'elsewhere:1:token']
  it.each<[string, string, number, 'held' | 'free' | 'doubtful']>([
    ['fresh', other, 60_000, 'held'],
    ['about to be up', other, 0, 'held'],
    ['up', other, -1, 'free'],
    ['up, of a process that lives here', mine, -1, 'doubtful'],
    ['fresh, of a process that lives here', mine, 1, 'held'],
    ['of a process that ended here', `${HOST}:${2 ** 22 + 1}:token`, 60_000, 'free'],
    ['written a moment ahead', other, 61_000, 'held'],
    ['written an hour ahead', other, 3_660_000, 'doubtful'],
    ['written an hour ahead by a process that ended here', `${HOST}:${2 ** 22 + 1}:token`, 3_660_000, 'free'],
  ])('%s', (_what, holder, aheadMs, verdict) => {
    expect(judgeLock({ holder, expires_at: 1_000_000 + aheadMs }, 1_000_000, 60_000)).toBe(verdict)
  })
})
