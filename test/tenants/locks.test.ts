import { expect, it, vi } from 'vitest'
import { thisMachine } from '../../src/kernel/holder.js'
import { insertRows } from '../../src/tenants/databases/index.js'
import { withLock } from '../../src/tenants/locks.js'
import { describeDatabases, type Installation, openInstallation } from './installation.js'

const HOST = thisMachine()

describeDatabases('a lock', env => {
  const held = (installation: Installation, name: string, holder: string, expiresInMs: number) =>
    insertRows(installation.catalog.database, 'locks', [
      { name, holder, acquired_at: Date.UTC(2026, 0, 31), expires_at: Date.now() + expiresInMs },
    ])
  const holders = async ({ catalog }: Installation, name: string) =>
    (await catalog.kysely.selectFrom('locks').select('holder').where('name', '=', name).execute()).map(row => row.holder)

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
})
