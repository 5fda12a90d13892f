import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { parseSlug } from '../../../src/tenants/ids.js'
import { markDeleted } from '../../../src/tenants/removal.js'
import { withTenant } from '../../../src/tenants/tables.js'
import { getTenant, REMOVAL_BEGUN } from '../../../src/tenants/tenant.js'
import { exportTenant } from '../../../src/tenants/transfer/export.js'
import { exportTenantToFile } from '../../../src/tenants/transfer/export-file.js'
import { runCli } from '../../support/cli.js'
import { temporaryFolder } from '../../support/folders.js'
import { describeDatabases, openInstallation, tenantIn } from '../installation.js'
import { furnish } from './furnish.js'

const never = new AbortController().signal

describeDatabases('exporting a tenant', env => {
  it('is of one moment, while others write', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'moment', 'shared')
    await furnish(here.catalog, tenant, 400)
    let writing = true
    let batches = 0
    const writer = (async () => {
      while (writing) {
        await withTenant(here.catalog, tenant, tables =>
          tables.transaction(async tx => {
            const id = await tx.takeIds('events', 1)
            await tx.insert('event_batches', [{ batch_id: `w-${String(batches).padStart(6, '0')}`, events: 1, applied_at: 1 }])
            await tx.insert('events', [{ day: 1, id: 10 + id, at: 1, kind: 'written', post_id: 0, visitor: null, extra: null }])
          }),
        )
        batches++
        await new Promise(resolve => setImmediate(resolve))
      }
    })()
    const chunks: Buffer[] = []
    const slowly = async (chunk: Buffer) => {
      const before = batches
      chunks.push(chunk)
      while (writing && batches < before + 3) await new Promise(resolve => setTimeout(resolve, 1))
    }
    await exportTenant(here.catalog, tenant, slowly, { signal: never, version: '1' }).finally(() => {
      writing = false
    })
    await writer
    const lines = gunzipSync(Buffer.concat(chunks)).toString().split('\n')
    const counted = lines.filter(line => line.startsWith('["w-')).length
    expect(lines.filter(line => line.includes('"written"')).length).toBe(counted)
    expect(batches).toBeGreaterThan(counted)
  })

  it('holds a few megabytes of a large tenant at a time', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'large')
    await furnish(here.catalog, tenant, 3)
    const content = `<p>${'x'.repeat(200_000)}</p>`
    for (let round = 0; round < 10; round++) {
      await withTenant(here.catalog, tenant, tables =>
        tables.transaction(async tx => {
          const first = await tx.takeIds('posts', 20)
          const [model] = await tx
            .posts()
            .select(['feed_id', 'title', 'categories', 'enclosures', 'created_at', 'changed_at'])
            .limit(1)
            .execute()
          const rows = Array.from({ length: 20 }, (_, index) => ({
            ...(model as NonNullable<typeof model>),
            id: first + index,
            guid: `g${first + index}`,
            guid_hash: `g${first + index}`.padEnd(22, '-'),
            content_hash: 'c'.repeat(22),
            content,
          }))
          await tx.insert('posts', rows as never)
        }),
      )
    }
    const steps: number[] = []
    let before = 0
    const { rows } = await exportTenant(here.catalog, tenant, async () => {}, {
      signal: never,
      version: '1',
      progress: done => {
        steps.push(done - before)
        before = done
      },
    })
    expect(rows.posts).toBe(203)
    // 200 kB each but for the first three: no more of them are fetched at once than fit into 2 MiB.
    expect(Math.max(...steps.slice(0, 30))).toBeLessThanOrEqual(3 + 10)
  })

  it('leaves no half a file, replaces none unasked, and is for its owner alone', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'careful')
    await furnish(here.catalog, tenant, 300)
    const folder = temporaryFolder()
    const path = join(folder, 'a.gz')
    const stop = new AbortController()
    const options = { signal: stop.signal, version: '1', replace: false, progress: () => stop.abort(new Error('stopped')) }
    await expect(exportTenantToFile(here.catalog, tenant, path, options)).rejects.toThrow('stopped')
    expect(readdirSync(folder)).toEqual([])
    writeFileSync(path, 'mine')
    await expect(exportTenantToFile(here.catalog, tenant, path, { ...options, signal: never })).rejects.toMatchObject({
      code: 'FILE_EXISTS',
    })
    expect(readFileSync(path, 'utf8')).toBe('mine')
    const { bytes } = await exportTenantToFile(here.catalog, tenant, path, { signal: never, version: '1', replace: true })
    expect(statSync(path)).toMatchObject({ size: bytes, mode: 0o100600 })
    expect(readdirSync(folder)).toEqual(['a.gz'])
  })

  it('refuses a tenant that is not all there: not finished yet, or being removed', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'partial')
    await furnish(here.catalog, tenant, 4)
    const cwd = temporaryFolder()
    for (const columns of [
      { state: 'provisioning' as const, delete_after: null },
      { state: 'deleting' as const, delete_after: REMOVAL_BEGUN },
    ]) {
      await here.catalog.kysely.updateTable('tenants').set(columns).where('id', '=', tenant.id).execute()
      expect(await runCli(['tenant', 'export', 'partial', '--out', 'partial.gz'], { env, cwd })).toMatchObject({
        exit: 4,
        err: expect.stringContaining('TENANT_WRONG_STATE'),
      })
      expect(readdirSync(cwd)).toEqual([])
    }
  })

  it('is done and undone by commands, for tenants that are hidden too', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'typed', 'shared')
    await furnish(here.catalog, tenant)
    await markDeleted(here.catalog, parseSlug('typed'), Date.now() + 1e9)
    const cwd = temporaryFolder()
    const run = (...argv: string[]) => runCli(['tenant', ...argv], { env, cwd })
    const exported = await run('export', 'typed', '--out', 'typed.gz', '--json')
    expect(JSON.parse(exported.out)).toMatchObject({
      tenant: 'typed',
      rows: { posts: 40 },
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(await run('export', 'typed', '--out', 'typed.gz')).toMatchObject({ exit: 2, err: expect.stringContaining('--yes') })
    expect(await run('export', 'typed', '--out', 'typed.gz', '--yes')).toMatchObject({ exit: 0 })
    expect(await run('import', 'typed.gz')).toMatchObject({ exit: 4, err: expect.stringContaining('TENANT_EXISTS') })
    const imported = await run('import', 'typed.gz', '--as', 'typed-2', '--name', 'Typed again', '--json')
    expect(JSON.parse(imported.out)).toMatchObject({
      tenant: { slug: 'typed-2', name: 'Typed again', state: 'active' },
      token: expect.stringMatching(/^fct_/),
      from: { slug: 'typed' },
    })
    const piped = await runCli(['tenant', 'import', '-', '--as', 'typed-3'], {
      env,
      cwd,
      stdin: readFileSync(join(cwd, 'typed.gz')),
    })
    expect(piped).toMatchObject({ exit: 0, out: expect.stringContaining('2 links will be fetched again') })
    expect(await runCli(['tenant', 'import', '-', '--as', 'typed-4'], { env, cwd, stdin: 'no file' })).toMatchObject({
      exit: 4,
      err: expect.stringContaining('EXPORT_INVALID'),
    })
    const spool = join(env.FEEDCTL_DATA ?? '', 'spool')
    expect(existsSync(spool) ? readdirSync(spool) : []).toEqual([])
    expect(await run('import', 'nowhere.gz')).toMatchObject({ exit: 4, err: expect.stringContaining('FILE_UNREADABLE') })
    expect(await run('export', 'nobody', '--out', 'x.gz')).toMatchObject({
      exit: 4,
      err: expect.stringContaining('TENANT_NOT_FOUND'),
    })
    expect(readdirSync(cwd)).toEqual(['typed.gz'])
    expect((await getTenant(here.catalog, parseSlug('typed'))).state).toBe('deleting')
  })
})
