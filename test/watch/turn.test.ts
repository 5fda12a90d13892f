import { expect, it } from 'vitest'
import { thisMachine } from '../../src/kernel/holder.js'
import { insertRows } from '../../src/tenants/databases/index.js'
import { Turn } from '../../src/watch/turn.js'
import { describeDatabases, openInstallation } from '../tenants/installation.js'
import { AT } from './made-up.js'

describeDatabases('a turn', env => {
  async function turns(name: string) {
    const { catalog } = await openInstallation(env)
    const clock = { now: AT, elapsed: 0 }
    const make = () =>
      new Turn(
        catalog,
        name,
        () => clock.now,
        () => clock.elapsed,
      )
    const pass = (ms: number) => {
      clock.now += ms
      clock.elapsed += ms
    }
    const heldBy = (holder: string, expiresInMs: number) =>
      insertRows(catalog.database, 'locks', [{ name, holder, acquired_at: AT, expires_at: AT + expiresInMs }])
    return { clock, pass, make, heldBy }
  }

  it('is had by one, for as long as that takes it again', async () => {
    const { pass, make } = await turns('kept')
    const [mine, theirs] = [make(), make()]
    for (let count = 0; count < 5; count++) {
      expect([await mine.take(), await theirs.take()]).toEqual([true, false])
      pass(50_000)
    }
  })

  it('is had by exactly one of many who want it at the same moment', async () => {
    const { make } = await turns('race')
    const taken = await Promise.all(Array.from({ length: 8 }, () => make().take()))
    expect(taken.filter(one => one)).toHaveLength(1)
  })

  it('goes to another of this machine that watched it not being renewed, and is lost to the first', async () => {
    const { pass, make } = await turns('silent')
    const [mine, theirs] = [make(), make()]
    await mine.take()
    pass(60_001)
    expect(await theirs.take()).toBe(false)
    pass(45_000)
    expect([await theirs.take(), await mine.take()]).toEqual([true, false])
  })

  it('stays where it is when the holder renews it late, while another watches', async () => {
    const { pass, make } = await turns('late')
    const [mine, theirs] = [make(), make()]
    for (let count = 0; count < 4; count++) {
      await mine.take()
      pass(100_000)
      expect(await theirs.take()).toBe(false)
    }
  })

  it('is not kept for ever by a row from before the clock was set back', async () => {
    const { pass, make, heldBy } = await turns('ahead')
    await heldBy('elsewhere:1:token', 9_000_000)
    const mine = make()
    expect(await mine.take()).toBe(false)
    pass(45_000)
    expect(await mine.take()).toBe(true)
  })

  it('goes to another after 45 s although the clock of that is set back, and not at once when it is set forward', async () => {
    const { clock, pass, make, heldBy } = await turns('set')
    await heldBy('elsewhere:1:token', 9_000_000)
    const mine = make()
    expect(await mine.take()).toBe(false)
    clock.now += 7_200_000
    expect(await mine.take()).toBe(false)
    clock.now -= 14_400_000
    pass(45_000)
    expect(await mine.take()).toBe(true)
  })

  it('goes to exactly one of many when its holder is not heard of', async () => {
    const { pass, make, heldBy } = await turns('orphan')
    await heldBy('elsewhere:1:token', 1_000)
    expect(await make().take()).toBe(false)
    pass(1_001)
    const taken = await Promise.all(Array.from({ length: 8 }, () => make().take()))
    expect(taken.filter(one => one)).toHaveLength(1)
  })

  it('goes at once from a process of this machine that has ended', async () => {
    const { make, heldBy } = await turns('dead')
    await heldBy(`${thisMachine()}:${2 ** 22 + 1}:token`, 60_000)
    expect(await make().take()).toBe(true)
  })

  it('is free when it is released, which another cannot do', async () => {
    const { make } = await turns('free')
    const [mine, theirs] = [make(), make()]
    await mine.take()
    await theirs.release()
    expect(await theirs.take()).toBe(false)
    await mine.release()
    expect(await theirs.take()).toBe(true)
  })
})
