import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { loadConfig } from '../../../src/kernel/config.js'
import {
  applyMigrations,
  ledgerOf,
  openServer,
  TENANT_MIGRATIONS,
  type TenantSchema,
} from '../../../src/tenants/databases/index.js'
import { SqliteServer } from '../../../src/tenants/databases/sqlite.js'
import { parseDatabaseName } from '../../../src/tenants/ids.js'
import { temporaryFolder } from '../../support/folders.js'
import { keepsTheDatabaseContract } from './contract.js'

describe('SQLite files', () => {
  const shared = mkdtempSync(join(tmpdir(), 'feedctl-sqlite-'))
  afterAll(() => rmSync(shared, { recursive: true, force: true }))
  keepsTheDatabaseContract(() => ({ server: new SqliteServer({ folder: shared, openFiles: 4 }), prefix: 't_' }))

  const inFolder = (folder: string, openFiles = 4) => {
    const server = new SqliteServer({ folder, openFiles })
    onTestFinished(() => server.close())
    return server
  }

  it('opens nothing, and writes nothing, before it is used', async () => {
    const data = join(temporaryFolder(), 'data')
    const { config } = loadConfig({ env: { FEEDCTL_DATA: data }, envFile: '/nonexistent', envFileNamed: false })
    const server = await openServer(config)
    expect(await server.has(parseDatabaseName('x'))).toBe(false)
    await server.close()
    expect(existsSync(data)).toBe(false)
  })

  it.runIf(existsSync('/proc/self/fd'))('keeps few files open while many databases are used, and all of their rows', async () => {
    const folder = temporaryFolder()
    const server = inFolder(folder, 4)
    const names = Array.from({ length: 60 }, (_, n) => parseDatabaseName(`t${n}`))
    for (const name of names) {
      await server.create(name)
      await server.use<TenantSchema, unknown>(name, database => applyMigrations(database, TENANT_MIGRATIONS, name, 1))
    }
    const ledgers = await Promise.all(names.map(name => server.use<TenantSchema, unknown>(name, database => ledgerOf(database))))
    expect(ledgers).toEqual(
      names.map(name => TENANT_MIGRATIONS.map(({ version }) => ({ version, catalog_id: name, applied_at: 1 }))),
    )
    for (const name of names) await server.use<TenantSchema, unknown>(name, database => ledgerOf(database))
    // Closed files are let go in bunches of as many as may be open.
    expect(openDatabases(folder)).toBeLessThanOrEqual(16)
  })

  it('keeps files from other users and drops all that belongs to one', async () => {
    const folder = join(temporaryFolder(), 'databases')
    const server = inFolder(folder)
    const name = parseDatabaseName('private')
    await server.create(name)
    await server.use<TenantSchema, unknown>(name, database => applyMigrations(database, TENANT_MIGRATIONS, 'c', 1))
    expect([statSync(folder).mode & 0o77, statSync(join(folder, 'private.db')).mode & 0o77]).toEqual([0, 0])
    await server.drop(name)
    expect(readdirSync(folder)).toEqual([])
  })

  it('is UNAVAILABLE for a file that is no database, and leaves it', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'text.db'), 'this is a text file, and no database at all'.repeat(100))
    const server = inFolder(folder)
    await expect(server.isEmpty(parseDatabaseName('text'))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(statSync(join(folder, 'text.db')).size).toBe(4_300)
  })

  it('is UNAVAILABLE where it cannot write', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    await expect(inFolder(join(folder, 'file', 'databases')).create(parseDatabaseName('x'))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    })
  })

  it('finishes a deed whose database is dropped meanwhile, and no other sees it again', async () => {
    const folder = temporaryFolder()
    const server = inFolder(folder)
    const name = parseDatabaseName('leaving')
    await server.create(name)
    await server.use<TenantSchema, unknown>(name, async database => {
      await applyMigrations(database, TENANT_MIGRATIONS, 'c', 1)
      await server.drop(name)
      expect(await ledgerOf(database)).toHaveLength(TENANT_MIGRATIONS.length)
    })
    expect([await server.has(name), readdirSync(folder)]).toEqual([false, []])
  })
})

/** How many databases of the folder this process holds descriptors of. */
function openDatabases(folder: string): number {
  const paths = readdirSync('/proc/self/fd').flatMap(descriptor => {
    try {
      return [readlinkSync(`/proc/self/fd/${descriptor}`)]
    } catch {
      return []
    }
  })
  return new Set(paths.filter(path => path.startsWith(folder) && path.endsWith('.db'))).size
}
