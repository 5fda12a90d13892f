import { randomBytes } from 'node:crypto'
import { buffer, text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Failure } from '../../../src/kernel/errors.js'
import type { Disk } from '../../../src/media/disks/driver.js'
import { calm, factsOf, failing, get, held, key, listed, namesIn, put, streamed } from './bytes.js'

/** What a disk's server may lack; feedctl's disks have it all. */
export interface DiskLacks {
  /** It stores bytes that are not those of the MD5. */
  readonly md5?: true
  /** It lists one page. */
  readonly pages?: true
  /** A put that breaks off leaves a part. */
  readonly atomicPuts?: true
  /** It answers a range of the first byte with all. */
  readonly firstByte?: true
  /** Its names are files with longer names. */
  readonly longNames?: true
}

const ODD_NAMES = [
  'plain.png',
  'with space.png',
  'a+b&c=d%20%.png',
  'new\nline.png',
  'caf\u00e9.png',
  'cafe\u0301.png',
  'quote"\'<>&.png',
  "!'()*~;:@$,#?.png",
  'back\\slash.png',
  '日本/語.png',
  '🦊.png',
  '...',
  'trailing.',
]
const LONG_NAMES = ['x'.repeat(255), `${'é'.repeat(127)}/${'y'.repeat(255)}/${'z'.repeat(250)}.png`]

/** The promises of a disk. `open`: an empty one, with pages of two where it has pages; it is closed in the end. */
export function keepsTheDiskContract(name: string, open: () => Promise<Disk>, lacks: DiskLacks = {}): void {
  describe(`the disk contract (${name})`, () => {
    let disk: Disk
    let tenant = 100
    beforeAll(async () => {
      disk = await open()
    })
    afterAll(() => disk?.close())
    /** A tenant that no other test has. */
    const fresh = () => ++tenant

    test('gives back what it was given, to the byte, held or streamed', async () => {
      const id = fresh()
      for (const [at, bytes] of [0, 1, 20_000, 3_000_001].map(size => [key(id, `${size}.png`), randomBytes(size)] as const)) {
        for (const source of [held(bytes), streamed(bytes)]) {
          const facts = factsOf(bytes)
          const { etag } = await disk.put(at, source, facts, calm)
          expect(etag).toBe(disk.name === 'local' ? null : facts.md5)
          const stat = await disk.stat(at, calm)
          expect(stat).toEqual({ key: at, bytes: bytes.length, modifiedAt: expect.any(Number), etag })
          expect(Math.abs((stat?.modifiedAt ?? 0) - Date.now())).toBeLessThan(60_000)
          const reading = await disk.read(at, null, calm)
          expect([reading?.bytes, reading?.etag, reading?.type]).toEqual([bytes.length, etag, etag && 'image/png'])
          expect(reading === null ? null : (await buffer(reading.stream)).equals(bytes)).toBe(true)
        }
      }
    })

    test('keeps the neighbour, whose number begins with the same digits', async () => {
      await Promise.all([
        put(disk, key(1, 'a.png'), 'one'),
        put(disk, key(11, 'a.png'), 'eleven'),
        put(disk, key(1, '1/a.png'), 'deep'),
      ])
      expect([await namesIn(disk, 1), await namesIn(disk, 11)]).toEqual([['1/a.png', 'a.png'], ['a.png']])
      await disk.remove([key(1, 'a.png'), key(1, '1/a.png')], calm)
      expect([await namesIn(disk, 1), await namesIn(disk, 11)]).toEqual([[], ['a.png']])
      expect(await get(disk, key(11, 'a.png'))).toBe('eleven')
    })

    test('creates nothing for what is not there', async () => {
      const [id, nobody] = [fresh(), fresh()]
      const at = key(id, 'none/at all.png')
      expect([await disk.stat(at, calm), await disk.read(at, null, calm), await get(disk, at)]).toEqual([null, null, null])
      expect(await disk.read(at, { first: 0, last: 5 }, calm)).toBeNull()
      await disk.remove([at, key(id, 'other.png')], calm)
      await disk.remove([], calm)
      expect([await namesIn(disk, id), await namesIn(disk, nobody)]).toEqual([[], []])
    })

    test('is calm when everything is done twice', async () => {
      const at = key(fresh(), 'twice.png')
      await put(disk, at, 'first')
      await put(disk, at, 'first')
      expect(await get(disk, at)).toBe('first')
      await put(disk, at, 'the second, which is longer')
      expect([await get(disk, at), (await disk.stat(at, calm))?.bytes]).toEqual(['the second, which is longer', 27])
      await disk.remove([at], calm)
      await disk.remove([at, at], calm)
      expect(await disk.stat(at, calm)).toBeNull()
    })

    test.each(lacks.longNames ? ODD_NAMES : [...ODD_NAMES, ...LONG_NAMES])('keeps the odd name %j', async name => {
      const id = fresh()
      await put(disk, key(id, name), name)
      await put(disk, key(id, 'kept.png'), 'kept')
      expect(await namesIn(disk, id)).toEqual([name, 'kept.png'].sort(byBytes))
      expect([await get(disk, key(id, name)), (await disk.stat(key(id, name), calm))?.bytes]).toEqual([
        name,
        Buffer.byteLength(name),
      ])
      await disk.remove([key(id, name), key(id, 'not there')], calm)
      expect(await namesIn(disk, id)).toEqual(['kept.png'])
    })

    test.skipIf(lacks.pages)('lists over pages, in the order of the bytes, after any key', async () => {
      const id = fresh()
      const names = [
        'a',
        'a b',
        'a-b',
        'a.b',
        'a/b',
        'a/b-c',
        'a/b/c',
        'a0',
        'b/1',
        'b/2',
        'b/3',
        'cafe\u0301',
        'caf\u00e9',
        '\uff5e',
        '🦊',
      ]
      // A file system cannot have both a file and a folder of one name.
      const free = names.filter(name => !names.some(other => other.startsWith(`${name}/`)))
      await Promise.all(free.map(name => put(disk, key(id, name), name)))
      const sorted = [...free].sort(byBytes)
      expect(await namesIn(disk, id)).toEqual(sorted)
      expect((await listed(disk, id)).map(stat => stat.bytes)).toEqual(sorted.map(name => Buffer.byteLength(name)))
      for (const [index, name] of sorted.slice(0, 5).entries())
        expect(await namesIn(disk, id, key(id, name))).toEqual(sorted.slice(index + 1))
      expect(await namesIn(disk, id, key(id, 'a/zzz'))).toEqual(sorted.filter(name => byBytes(name, 'a/zzz') > 0))
      expect(await namesIn(disk, id, key(id, 'zzzzz'))).toEqual(sorted.filter(name => byBytes(name, 'zzzzz') > 0))
      await disk.remove(
        sorted.slice(1).map(name => key(id, name)),
        calm,
      )
      expect(await namesIn(disk, id)).toEqual(sorted.slice(0, 1))
    })

    test('reads ranges, and refuses those that are outside', async () => {
      const at = key(fresh(), 'range.png')
      await put(disk, at, '0123456789')
      const part = async (first: number, last: number | null) => {
        const reading = await disk.read(at, { first, last }, calm)
        return reading === null ? null : [await text(reading.stream), reading.bytes]
      }
      expect(
        await Promise.all([part(0, lacks.firstByte ? 1 : 0), part(2, 5), part(7, null), part(8, 99), part(0, null)]),
      ).toEqual([
        [lacks.firstByte ? '01' : '0', 10],
        ['2345', 10],
        ['789', 10],
        ['89', 10],
        ['0123456789', 10],
      ])
      for (const [first, last] of [
        [10, null],
        [11, 20],
        [5, 4],
        [-1, 2],
      ] as const) {
        await expect(part(first, last)).rejects.toMatchObject({ code: 'USAGE' })
      }
    })

    test.skipIf(lacks.md5)('refuses bytes that are not those of the facts, and keeps what was there', async () => {
      const id = fresh()
      const [bytes, other] = [Buffer.from('these bytes'), Buffer.from('other bytes')]
      await put(disk, key(id, 'kept.png'), 'kept')
      for (const name of ['new.png', 'kept.png']) {
        for (const source of [held(other), streamed(other)]) {
          const storing = disk.put(key(id, name), source, factsOf(bytes), calm)
          await expect(storing).rejects.toMatchObject({ code: 'MEDIA_CORRUPT' })
        }
      }
      expect([await namesIn(disk, id), await get(disk, key(id, 'kept.png'))]).toEqual([['kept.png'], 'kept'])
    })

    test.skipIf(lacks.atomicPuts)('stores nothing of a source that fails, and tells its failure', async () => {
      const id = fresh()
      await put(disk, key(id, 'kept.png'), 'kept')
      const bytes = Buffer.from('more than ten bytes')
      for (const name of ['new.png', 'kept.png']) {
        const source = failing(bytes, new Failure('MEDIA_CHANGED', 'the file changed'))
        await expect(disk.put(key(id, name), source, factsOf(bytes), calm)).rejects.toMatchObject({ code: 'MEDIA_CHANGED' })
      }
      expect([await namesIn(disk, id), await get(disk, key(id, 'kept.png'))]).toEqual([['kept.png'], 'kept'])
    })

    test.skipIf(lacks.atomicPuts)('has one whole object after many wrote it at once', async () => {
      const id = fresh()
      const at = key(id, 'race/same.png')
      const texts = Array.from({ length: 8 }, (_, index) => String(index).repeat(50_000 + index))
      await Promise.all(texts.map(each => put(disk, at, each)))
      expect(texts).toContain(await get(disk, at))
      expect(await namesIn(disk, id)).toEqual(['race/same.png'])
    })

    test('stores and removes beside each other in one folder', async () => {
      const id = fresh()
      const deeds = Array.from({ length: 30 }, async (_, index) => {
        await put(disk, key(id, `deep/er/${index}.png`), 'x')
        if (index % 3 !== 0) await disk.remove([key(id, `deep/er/${index}.png`)], calm)
      })
      await Promise.all(deeds)
      expect((await namesIn(disk, id)).length).toBe(10)
    })

    test('rejects with the reason of a signal that aborts', async () => {
      const at = key(fresh(), 'never.png')
      const over = AbortSignal.abort(new Error('it is over'))
      const bytes = Buffer.from('x')
      await expect(disk.put(at, held(bytes), factsOf(bytes), over)).rejects.toThrow('it is over')
      await expect(disk.stat(at, over)).rejects.toThrow('it is over')
      await expect(disk.read(at, null, over)).rejects.toThrow('it is over')
      await expect(disk.remove([at], over)).rejects.toThrow('it is over')
      await expect(
        (async () => {
          for await (const _ of disk.list('1/' as never, null, over));
        })(),
      ).rejects.toThrow('it is over')
      expect(await disk.stat(at, calm)).toBeNull()
    })
  })
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
