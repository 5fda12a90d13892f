import { closeSync, existsSync, openSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import Libsql from 'libsql'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { makeFolder } from '../../kernel/folders.js'
import { type DatabaseName, isDatabaseName } from '../ids.js'
import type { DatabaseServer, HoldOptions, OpenDatabase } from './driver.js'
import { atHost, type Sent, type Translate, translateSqlite, translating } from './faults.js'
import { tenantGuard } from './guard.js'
import { HOST_MARK } from './host-mark.js'
import { type FileUse, libsqlDialect } from './libsql-dialect.js'
import { reclaimClosedFiles } from './reclaim.js'

/** Page cache of one open file: dozens of them are open at a time. */
const CACHE_KIB = 256
const OPENING_PATIENCE_MS = 5_000

interface OpenFile {
  readonly kysely: Kysely<unknown>
  users: number
  dropped: boolean
  /** Of the file that is open; null when it was not there. */
  readonly inode: number | null
}

export interface SqliteOptions {
  readonly folder: string
  readonly openFiles: number
  /** What its refusals name it by; null for the folder in FEEDCTL_DATA. Such a folder is never made: without it (its disk is not mounted) the host is UNAVAILABLE. */
  readonly name?: string | null
}

/** Databases as files `<folder>/<name>.db`: write-ahead log, synchronous NORMAL (a power cut may lose the last moments, never tear a file). */
export class SqliteServer implements DatabaseServer {
  readonly dialect = 'sqlite'
  readonly connections = null
  private readonly files = new Map<DatabaseName, OpenFile>()
  private readonly asides = new Map<DatabaseName, Kysely<unknown>>()
  private readonly sent: Sent = { statements: 0 }
  private closedFiles = 0

  private readonly translate: Translate

  constructor(private readonly options: SqliteOptions) {
    const { name = null, folder } = options
    this.translate = name === null ? translateSqlite : atHost(translateSqlite, name, folder)
  }

  get statements(): number {
    return this.sent.statements
  }

  async create(name: DatabaseName): Promise<boolean> {
    try {
      this.refuseAway()
      makeFolder(this.options.folder, 0o700)
      closeSync(openSync(this.pathOf(name), 'wx', 0o600))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      if (error instanceof Failure) throw error
      throw unusable('create', this.pathOf(name), error)
    }
  }

  async has(name: DatabaseName): Promise<boolean> {
    if (existsSync(this.pathOf(name))) return true
    this.refuseAway()
    return false
  }

  async names(prefix: string): Promise<DatabaseName[]> {
    this.refuseAway()
    if (!existsSync(this.options.folder)) return []
    const names = readdirSync(this.options.folder).flatMap(file => /^(.*)\.db$/.exec(file)?.[1] ?? [])
    return names.flatMap(name => (name.startsWith(prefix) && isDatabaseName(name) ? [name] : [])).sort()
  }

  async isEmpty(name: DatabaseName): Promise<boolean> {
    return this.use(name, async ({ kysely }) => {
      const found = await sql`select 1 from sqlite_master limit 1`.execute(kysely)
      return found.rows.length === 0
    })
  }

  async drop(name: DatabaseName): Promise<boolean> {
    const open = this.files.get(name)
    await this.asides.get(name)?.destroy()
    this.asides.delete(name)
    if (open !== undefined) {
      this.files.delete(name)
      open.dropped = true
      if (open.users === 0) await this.closeFile(open)
    }
    const path = this.pathOf(name)
    const existed = existsSync(path)
    if (!existed) this.refuseAway()
    try {
      for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { force: true })
    } catch (error) {
      throw unusable('remove', path, error)
    }
    return existed
  }

  async use<Schema, T>(name: DatabaseName, deed: (database: OpenDatabase<Schema>) => Promise<T>): Promise<T> {
    const file = this.open(name)
    file.users++
    try {
      return await deed(this.databaseOf(file))
    } finally {
      file.users--
      if (file.dropped && file.users === 0) await this.closeFile(file)
      else await this.closeIdle()
    }
  }

  /** Over a connection of its own: the file's other one has one transaction at a time. */
  async snapshot<Schema, T>(name: DatabaseName, deed: (reader: Kysely<Schema>) => Promise<T>): Promise<T> {
    const reader = this.openFile(name, 'reader') as Kysely<Schema>
    try {
      return await reader.transaction().execute(deed)
    } finally {
      await reader.destroy()
    }
  }

  async hold<Schema>(name: DatabaseName, { isAside = false }: HoldOptions = {}): Promise<OpenDatabase<Schema>> {
    if (isAside) {
      const kysely = this.asides.get(name) ?? this.openFile(name, 'aside')
      this.asides.set(name, kysely)
      return this.databaseOf({ kysely })
    }
    const file = this.open(name)
    file.users++
    return this.databaseOf(file)
  }

  asUser(): null {
    return null
  }

  async close(): Promise<void> {
    const open = [...this.files.values()]
    this.files.clear()
    const all = [...open.map(({ kysely }) => kysely), ...this.asides.values()]
    this.asides.clear()
    await Promise.all(all.map(kysely => kysely.destroy()))
  }

  private databaseOf<Schema>(file: Pick<OpenFile, 'kysely'>): OpenDatabase<Schema> {
    return { dialect: this.dialect, kysely: file.kysely as Kysely<Schema>, qualify: table => `"${table}"` }
  }

  private pathOf(name: DatabaseName): string {
    return join(this.options.folder, `${name}.db`)
  }

  private open(name: DatabaseName): OpenFile {
    const inode = inodeOf(this.pathOf(name))
    const known = this.files.get(name)
    this.files.delete(name)
    if (known !== undefined && known.inode === inode) {
      this.files.set(name, known)
      return known
    }
    if (known !== undefined) void this.retire(known)
    const file = { kysely: this.openFile(name), users: 0, dropped: false, inode }
    this.files.set(name, file)
    return file
  }

  /** Another process removed the file, and perhaps made one of the same name. */
  private async retire(file: OpenFile): Promise<void> {
    file.dropped = true
    if (file.users === 0) await this.closeFile(file)
  }

  private openFile(name: DatabaseName, use: FileUse = 'writer'): Kysely<unknown> {
    const path = this.pathOf(name)
    if (!existsSync(path)) {
      this.refuseAway()
      throw new Failure('SCHEMA_MISSING', `there is no database ${path}`, { hint: 'feedctl tenant list' })
    }
    try {
      const file = new Libsql(path, { timeout: 0 })
      // Of several processes that open a new file, one turns it to write-ahead logging while the others wait: with all else they do.
      const turning = `pragma busy_timeout=${OPENING_PATIENCE_MS}; pragma journal_mode=wal; pragma busy_timeout=0; `
      file.exec(`${use === 'aside' ? '' : turning}pragma synchronous=normal; pragma cache_size=-${CACHE_KIB}`)
      if (use === 'reader') file.exec('pragma query_only=1')
      return new Kysely({ dialect: translating(libsqlDialect(file, use), this.translate, this.sent), plugins: [tenantGuard] })
    } catch (error) {
      throw this.translate(error) ?? error
    }
  }

  private isAway(): boolean {
    return (this.options.name ?? null) !== null && !existsSync(join(this.options.folder, HOST_MARK))
  }

  /** @throws {Failure} UNAVAILABLE for a host whose folder is not there, or is another */
  private refuseAway(): void {
    if (!this.isAway()) return
    const { name, folder } = this.options
    const hint = 'mount its disk; feedctl host list'
    throw new Failure('UNAVAILABLE', `the database host ${name} is away: ${join(folder, HOST_MARK)} is not there`, { hint })
  }

  private async closeIdle(): Promise<void> {
    for (const [name, file] of this.files) {
      if (this.files.size <= this.options.openFiles) return
      if (file.users > 0) continue
      this.files.delete(name)
      await this.closeFile(file)
    }
  }

  private async closeFile(file: OpenFile): Promise<void> {
    await file.kysely.destroy()
    if (++this.closedFiles < this.options.openFiles) return
    this.closedFiles = 0
    await reclaimClosedFiles()
  }
}

/** Null when it is not there. */
function inodeOf(path: string): number | null {
  try {
    return statSync(path, { throwIfNoEntry: false })?.ino ?? null
  } catch (error) {
    throw unusable('reach', path, error)
  }
}

function unusable(deed: string, path: string, error: unknown): Failure {
  return new Failure('UNAVAILABLE', `cannot ${deed} ${path}: ${wordsOf(error)}`, {
    cause: error,
    hint: 'set FEEDCTL_DATA to a folder that can be written',
  })
}
