import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withTenant } from '../../src/tenants/tables.js'
import { digest, files, StoredMedia } from '../media/stored-media.js'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'
import { type S3Server, startS3 } from '../support/s3.js'
import { describeDatabases } from '../tenants/installation.js'

const KEY = 'a key of the tests'

let s3: S3Server
beforeAll(async () => {
  s3 = await startS3()
})
afterAll(async () => {
  await s3[Symbol.asyncDispose]()
})

describeDatabases('feedctl media manifest', (embedded, kind) => {
  const settings = () => ({ ...embedded, ...s3.env, FEEDCTL_MEDIA_PREFIX: kind, FEEDCTL_MEDIA_KEY: KEY })
  const cli = (...argv: string[]) => runCli(['media', ...argv], { env: settings() })
  const check = async (path: string, ...argv: string[]) => {
    const result = await cli('verify', '--manifest', path, '--json', ...argv)
    return { ...result, report: result.out === '' ? null : JSON.parse(result.out) }
  }
  beforeAll(async () => {
    await runCli(['init'], { env: settings() })
  })
  const odd = ['a\nb', '"quoted"\\', 'NFC \u00e9', 'NFD e\u0301', '\u202eturned', 'line\u2028end', `${'x'.repeat(255)}`]

  it('lists every hashed file on a line of its own, signed, in the same order each time', async () => {
    const media = await StoredMedia.open(settings())
    const tenant = await media.tenant('listed')
    const content = Buffer.from('a picture')
    await media.store(
      tenant,
      odd.map(name => ({ name, content, state: 'hashed' as const, object: null, local: null })),
    )
    await media.store(tenant, [...files(3), { name: 'not hashed', content, state: 'seen', object: null, local: null }])
    const { exit, out } = await cli('manifest', 'listed')
    expect(exit).toBe(0)
    const lines = out.trimEnd().split('\n')
    expect(lines.slice(0, 3)).toEqual(['feedctl-manifest 1', `tenant ${tenant.id} listed`, `catalog ${media.catalog.id}`])
    expect(lines[3]).toMatch(/^created 20\d\d-\d\d-\d\dT[\d:.]+Z$/)
    expect(lines.at(-2)).toBe(`end files=10 bytes=${odd.length * 9 + 300} unhashed=1`)
    const signed = out.slice(0, out.lastIndexOf('hmac-sha256'))
    expect(lines.at(-1)).toBe(`hmac-sha256 ${createHmac('sha256', KEY).update(signed).digest('hex')}`)
    const listed = lines.slice(4, -2)
    const parsed = listed.map(line => /^([0-9a-f]{64}) (\d+) (".*")$/.exec(line)?.slice(1) ?? [])
    expect(parsed.map(([, , name]) => JSON.parse(name ?? '')).toSorted()).toEqual(
      [...odd, ...files(3).map(file => file.name)].toSorted(),
    )
    expect(
      parsed.every(([sha256, , name]) => JSON.parse(name ?? '').startsWith('pictures/') || sha256 === digest('sha256', content)),
    ).toBe(true)
    expect(/[\u202e\u2028]/.test(out)).toBe(false)
    expect((await cli('manifest', 'listed')).out.split('\n').slice(4, -2)).toEqual([...listed, lines.at(-2)])
  })

  it('goes through a file and back: everything is as it was; newer files are a note', async () => {
    const media = await StoredMedia.open(settings())
    const tenant = await media.tenant('kept')
    await media.store(
      tenant,
      files(1200, 1).map(file => ({ ...file, state: 'hashed' as const, object: null, local: null })),
    )
    const [folder, few] = [temporaryFolder(), files(5).map(file => ({ ...file, name: `few/${file.name}` }))]
    await media.store(tenant, few)
    const path = join(folder, 'kept.manifest')
    const { exit, out } = await cli('manifest', 'kept', '--out', path, '--json')
    expect(exit).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ tenant: 'kept', out: path, files: 1205, bytes: 1700, unhashed: 0 })
    expect(readdirSync(folder)).toEqual(['kept.manifest'])
    await media.store(tenant, [{ name: 'newer', content: Buffer.from('x') }])
    const { report, ...ended } = await check(path, '--full')
    expect(ended).toMatchObject({ exit: 0, err: '' })
    expect(report.manifest).toMatchObject({ tenant: 'kept', files: 1205, ok: 1205, missing: 0, differing: 0, added: 1 })
    expect(report.objects).toMatchObject({ total: 6, ok: 6, rehashed: 6 })
  })

  it('finds what the journal has lost or holds for another content since, and exits 8', async () => {
    const media = await StoredMedia.open(settings())
    const tenant = await media.tenant('changed')
    await media.store(tenant, files(4))
    const path = join(temporaryFolder(), 'changed.manifest')
    await cli('manifest', 'changed', '--out', path)
    await withTenant(media.catalog, tenant, tables =>
      tables.transaction(async tx => {
        await tx.remove('media').where('id', '=', 1).execute()
        await tx
          .updateMedia()
          .set({ sha256: 'f'.repeat(64) })
          .where('id', '=', 2)
          .execute()
      }),
    )
    const { exit, report } = await check(path)
    expect(exit).toBe(8)
    expect(report.manifest).toMatchObject({ files: 4, ok: 2, missing: 1, differing: 1, added: 0 })
    expect(report.failures).toHaveLength(2)
    expect(report.failures).toContainEqual(expect.objectContaining({ name: 'pictures/0.png', code: 'MEDIA_NOT_FOUND' }))
    expect(report.failures).toContainEqual(expect.objectContaining({ name: 'pictures/1.png', code: 'MEDIA_CORRUPT' }))
  })

  it('does not list a file that has changed since it was hashed, and finds that it did', async () => {
    const media = await StoredMedia.open(settings())
    const tenant = await media.tenant('touched')
    await media.store(tenant, files(2))
    const path = join(temporaryFolder(), 'touched.manifest')
    await cli('manifest', 'touched', '--out', path)
    await withTenant(media.catalog, tenant, tables =>
      tables.transaction(tx => tx.updateMedia().set({ state: 'seen', bytes: 7 }).where('id', '=', 1).execute()),
    )
    expect((await cli('manifest', 'touched')).out).toContain('\nend files=1 bytes=100 unhashed=1\n')
    const { exit, report } = await check(path)
    expect(exit).toBe(8)
    expect(report.failures).toMatchObject([{ name: 'pictures/0.png', code: 'MEDIA_CHANGED' }])
  })

  it('a folder is no manifest', async () => {
    expect(await check(temporaryFolder())).toMatchObject({ exit: 4, err: expect.stringContaining('FILE_UNREADABLE') })
  })

  describe('a manifest', () => {
    const sample = async (slug: string) => {
      const media = await StoredMedia.open(settings())
      await media.store(await media.tenant(slug), files(2))
      const path = join(temporaryFolder(), 'sample.manifest')
      await cli('manifest', slug, '--out', path)
      return { path, text: readFileSync(path, 'utf8') }
    }

    it.each<[string, (text: string) => string, number, string]>([
      [
        'with another hash',
        text => text.replace(/^[0-9a-f](?=[0-9a-f]{63} )/m, digit => (digit === '0' ? '1' : '0')),
        8,
        'CHECK_FAILED',
      ],
      ['with a line less', text => text.replace(/^[0-9a-f]{64} .*\n/m, ''), 8, 'CHECK_FAILED'],
      ['for another tenant', text => text.replace(/^tenant .*$/m, 'tenant 1 listed'), 8, 'CHECK_FAILED'],
      ['that was cut', text => text.slice(0, -20), 8, 'CHECK_FAILED'],
      ['without its signature', text => text.replace(/hmac.*\n$/, ''), 8, 'CHECK_FAILED'],
      ['that is none', () => 'hello\n'.repeat(100), 4, 'FILE_UNREADABLE'],
      ['that is empty', () => '', 4, 'FILE_UNREADABLE'],
    ])('%s is refused', async (what, forge, exit, code) => {
      const { path, text } = await sample(what.replaceAll(/[^a-z]+/g, '-'))
      writeFileSync(path, forge(text))
      expect(await check(path)).toMatchObject({ exit, out: '', err: expect.stringContaining(`"${code}"`) })
    })

    it('of another key, or another installation, is refused', async () => {
      const { path } = await sample('elsewhere')
      const env = { ...settings(), FEEDCTL_MEDIA_KEY: 'another key of the tests' }
      expect(await runCli(['media', 'verify', '--manifest', path], { env })).toMatchObject({ exit: 8 })
      const other = { FEEDCTL_DATA: temporaryFolder(), ...s3.env, FEEDCTL_MEDIA_KEY: KEY }
      await runCli(['tenant', 'create', 'elsewhere'], { env: other })
      const { exit, err } = await runCli(['media', 'verify', '--manifest', path], { env: other })
      expect(exit).toBe(4)
      expect(err).toContain('(TENANT_NOT_FOUND)')
    })
  })

  it('needs a key to sign with, and a tenant', async () => {
    const { exit, err } = await runCli(['media', 'manifest', 'listed'], { env: embedded })
    expect(exit).toBe(3)
    expect(err).toContain('FEEDCTL_MEDIA_KEY')
    expect((await cli('manifest', 'nobody')).exit).toBe(4)
    expect((await cli('manifest', 'listed', '--json')).exit).toBe(2)
    expect((await cli('manifest', 'listed', '--out', '/nowhere/at/all')).exit).toBe(4)
  })
})
