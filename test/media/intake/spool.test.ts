import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Spool } from '../../../src/media/intake/spool.js'
import { png } from './pictures.js'

const MINE = '/proc/self/fd'

test.runIf(existsSync(MINE))('a spool that is given up while it opens its file leaves nothing open', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'spool-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const held = async () => {
    const links = (await readdir(MINE)).map(fd => readlink(join(MINE, fd)).catch(() => ''))
    return (await Promise.all(links)).filter(target => target.startsWith(folder)).length
  }
  const judge = () => ({ type: 'image/png', extension: 'png' })
  const spools = [new Spool({ folder, judge }), new Spool({ folder, judge })] as const
  const writes = spools.map(spool => spool.write(png(1, 600_000)))
  await spools[0][Symbol.asyncDispose]()
  await Promise.allSettled(writes)
  expect(await held()).toBe(1)
  await spools[1][Symbol.asyncDispose]()
  expect(await held()).toBe(0)
})
