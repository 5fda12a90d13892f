import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { link as hardLink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { writeWhole } from '../../src/kernel/whole-file.js'
import { temporaryFolder } from '../support/folders.js'

it.each([
  null,
  'EPERM',
  'ENOTSUP',
])('writes a file whole and takes no other place where links are answered with %s', async refusal => {
  const folder = temporaryFolder()
  const path = join(folder, 'a')
  const link = async (...names: [string, string]) => {
    if (refusal !== null) throw Object.assign(new Error('no links here'), { code: refusal, syscall: 'link' })
    await hardLink(...names)
  }
  await writeWhole(path, { replace: false, link }, file => file.writeFile('whole'))
  expect([readdirSync(folder), readFileSync(path, 'utf8')]).toEqual([['a'], 'whole'])
  // One that comes to be there while it is written.
  rmSync(path)
  const late = writeWhole(path, { replace: false, link }, async file => {
    await file.writeFile('mine')
    writeFileSync(path, 'theirs')
  })
  await expect(late).rejects.toMatchObject({ code: 'FILE_EXISTS' })
  expect([readdirSync(folder), readFileSync(path, 'utf8')]).toEqual([['a'], 'theirs'])
})
