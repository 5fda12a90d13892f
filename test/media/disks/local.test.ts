import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { Folder } from '../../../src/media/disks/local.js'
import type { MediaKey } from '../../../src/media/names.js'
import { temporaryFolder } from '../../support/folders.js'
import { calm, factsOf, get, held, key, namesIn, put, streamed } from './bytes.js'
import { keepsTheDiskContract } from './contract.js'

const folder = mkdtempSync(join(tmpdir(), 'feedctl-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

keepsTheDiskContract('local', async () => new Folder(join(folder, 'media'), 2))

const DAY_MS = 24 * 3600_000

test('makes no folder before there is a file in it, and removes it with the last', async () => {
  const disk = new Folder(join(temporaryFolder(), 'media'))
  await disk.stat(key(1, 'a/b.png'), calm)
  await disk.remove([key(1, 'a/b.png')], calm)
  expect(await namesIn(disk, 1)).toEqual([])
  expect(() => readdirSync(disk.folder)).toThrow('ENOENT')
  await put(disk, key(1, 'a/b.png'), 'x')
  expect(readFileSync(join(disk.folder, '1/a/b.png'), 'utf8')).toBe('x')
  await disk.remove([key(1, 'a/b.png')], calm)
  expect(readdirSync(disk.folder)).toEqual([])
})

test('leaves no part of a file that was not stored', async () => {
  const disk = new Folder(temporaryFolder())
  await put(disk, key(1, 'kept.png'), 'kept')
  const bytes = Buffer.alloc(300_000, 'x')
  await expect(disk.put(key(1, 'a/new.png'), streamed(bytes), factsOf(Buffer.from('y')), calm)).rejects.toThrow('MD5')
  const stop = new AbortController()
  const source = {
    ...streamed(bytes),
    open: (from: number, to: number) => {
      stop.abort(new Error('over'))
      return held(bytes).open(from, to)
    },
  }
  await expect(disk.put(key(1, 'a/new.png'), source, factsOf(bytes), stop.signal)).rejects.toThrow('over')
  expect(readdirSync(join(disk.folder, '1')).filter(name => name.startsWith('.feedctl-'))).toEqual([])
  expect(await namesIn(disk, 1)).toEqual(['kept.png'])
})

test('says that the disk is full, keeps what was there, and leaves nothing of what had no room', async ({ skip }) => {
  const place = temporaryFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'feedctl-test', place], { stdio: 'pipe' })
  } catch {
    skip('this user may not mount a small disk')
  }
  onTestFinished(() => void execFileSync('umount', [place]))
  const disk = new Folder(join(place, 'media'))
  await put(disk, key(1, 'a.png'), 'small')
  const bytes = Buffer.alloc(400_000, 'x')
  for (const source of [held(bytes), streamed(bytes)]) {
    for (const name of ['a.png', 'b.png']) {
      await expect(disk.put(key(1, name), source, factsOf(bytes), calm)).rejects.toMatchObject({ code: 'DISK_FULL' })
    }
  }
  expect([readdirSync(join(disk.folder, '1')), await get(disk, key(1, 'a.png'))]).toEqual([['a.png'], 'small'])
  await put(disk, key(1, 'c.png'), 'there is room for this')
})

test('follows no symbolic link out of the folder', async () => {
  const [inside, outside] = [temporaryFolder(), temporaryFolder()]
  const disk = new Folder(inside)
  writeFileSync(join(outside, 'secret.png'), 'secret')
  mkdirSync(join(inside, '1'))
  symlinkSync(outside, join(inside, '1/folder'))
  symlinkSync(join(outside, 'secret.png'), join(inside, '1/file.png'))
  symlinkSync(outside, join(inside, '2'))
  for (const at of [key(1, 'folder/secret.png'), key(1, 'file.png'), key(2, 'secret.png')]) {
    expect([await disk.stat(at, calm), await disk.read(at, null, calm)]).toEqual([null, null])
    await disk.remove([at], calm)
  }
  for (const at of [key(1, 'folder/new.png'), key(1, 'folder/deep/er.png'), key(2, 'new.png')]) {
    await expect(put(disk, at, 'x')).rejects.toThrow('a symbolic link leads away')
  }
  await put(disk, key(1, 'file.png'), 'a file of its own now')
  expect([await namesIn(disk, 1), readdirSync(outside)]).toEqual([['file.png'], ['secret.png']])
  await expect(namesIn(disk, 2)).rejects.toThrow('a symbolic link leads away')
  expect(readFileSync(join(outside, 'secret.png'), 'utf8')).toBe('secret')
})

test('may itself be behind a symbolic link', async () => {
  const [real, place] = [temporaryFolder(), temporaryFolder()]
  symlinkSync(real, join(place, 'media'))
  const disk = new Folder(join(place, 'media'))
  await put(disk, key(1, 'a/b.png'), 'x')
  expect([await namesIn(disk, 1), await get(disk, key(1, 'a/b.png'))]).toEqual([['a/b.png'], 'x'])
})

test.each([
  '../1/a.png',
  '1/../../a.png',
  '1/a/../../2/b.png',
  '1//a.png',
  '/etc/passwd',
  '1/.feedctl-x',
  '1',
  '01/a.png',
  '1/',
])('touches nothing for the key %j', async text => {
  const disk = new Folder(join(temporaryFolder(), 'media'))
  const at = text as MediaKey
  const refusal = { code: 'MEDIA_NAME_INVALID' }
  await expect(put(disk, at, 'x')).rejects.toMatchObject(refusal)
  await expect(disk.stat(at, calm)).rejects.toMatchObject(refusal)
  await expect(disk.read(at, null, calm)).rejects.toMatchObject(refusal)
  await expect(disk.remove([at], calm)).rejects.toMatchObject(refusal)
  expect(() => readdirSync(disk.folder)).toThrow('ENOENT')
})

test('hides what killed writers left, and removes it after a day', async () => {
  const disk = new Folder(temporaryFolder())
  await put(disk, key(1, 'a.png'), 'x')
  const leftover = (age: number) => `.feedctl-${(Date.now() - age).toString(36)}-0123456789abcdef`
  const [old, young] = [leftover(2 * DAY_MS), leftover(DAY_MS / 2)]
  for (const name of [old, young]) writeFileSync(join(disk.folder, '1', name), 'part')
  expect(await namesIn(disk, 1)).toEqual(['a.png'])
  expect(readdirSync(join(disk.folder, '1')).sort()).toEqual([young, 'a.png'])
})

test('says so when a file becomes shorter while it is read', async () => {
  const disk = new Folder(temporaryFolder())
  await put(disk, key(1, 'a.png'), 'x'.repeat(400_000))
  const reading = await disk.read(key(1, 'a.png'), null, calm)
  truncateSync(join(disk.folder, '1/a.png'), 100_000)
  await expect(reading === null ? null : buffer(reading.stream)).rejects.toMatchObject({ code: 'MEDIA_CORRUPT' })
})

test('refuses a file where a folder is, and a folder where a file is', async () => {
  const disk = new Folder(temporaryFolder())
  await put(disk, key(1, 'a'), 'file')
  await put(disk, key(1, 'b/c'), 'file')
  for (const name of ['a/b', 'b'])
    await expect(put(disk, key(1, name), 'x')).rejects.toMatchObject({ code: 'MEDIA_NAME_INVALID' })
  expect([await namesIn(disk, 1), await disk.stat(key(1, 'a/b'), calm), await disk.stat(key(1, 'b'), calm)]).toEqual([
    ['a', 'b/c'],
    null,
    null,
  ])
})

test('lists a file of which the name is not valid text, so that nobody takes it for absent', async () => {
  const disk = new Folder(temporaryFolder())
  await put(disk, key(1, 'a.png'), 'x')
  writeFileSync(Buffer.concat([Buffer.from(`${disk.folder}/1/b`), Buffer.from([0xff]), Buffer.from('.png')]), 'x')
  expect(await namesIn(disk, 1)).toEqual(['a.png', 'b\ufffd.png'])
})

test('lists what is a file only, and fails for a folder that cannot be read', async () => {
  const disk = new Folder(temporaryFolder())
  await put(disk, key(1, 'a.png'), 'x')
  execFileSync('mkfifo', [join(disk.folder, '1/pipe')])
  expect([await namesIn(disk, 1), await disk.stat(key(1, 'pipe'), calm), await disk.read(key(1, 'pipe'), null, calm)]).toEqual([
    ['a.png'],
    null,
    null,
  ])
  await expect(namesIn(new Folder(join(disk.folder, 'x'.repeat(300))), 1)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})
