import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type App, openApp } from '../../src/app.js'
import { loadConfig } from '../../src/kernel/config.js'
import { Log } from '../../src/kernel/log.js'
import { type CliOptions, type CliResult, runCli } from '../support/cli.js'
import { deleteRedisKeys, dropDatabases, type TestEnv } from '../support/drivers.js'
import { BinProcess } from './bin-process.js'

/** What `sync --json` prints. */
export interface SyncJson {
  readonly run_id: string
  readonly tenants: { total: number; ok: number; failed: number; skipped: number }
  readonly feeds: { total: number; new_version: number; unchanged: number; failed: number; not_due: number }
  readonly sources: { distinct: number; requests: number; not_modified: number; bytes: number }
  readonly posts: { new: number; updated: number }
  readonly churn: { held: number }
  readonly outage: { feeds: number }
  readonly failures: { tenant: string; url: string | null; code: string; message: string }[]
}

export interface SyncEnd extends CliResult {
  readonly report: SyncJson
}

/** What `feed list --json` says of one feed. */
export interface FeedJson {
  readonly id: number
  readonly url: string
  readonly title: string | null
  readonly stored_at: string | null
  readonly checked_at: string | null
  readonly next_check_at: string | null
  readonly failure: { code: string; message: string; count: number } | null
}

/** A feedctl under test with a data folder of its own: its commands in this process, its workers in others. All ends with it. */
export class Installation implements AsyncDisposable {
  private readonly processes: BinProcess[] = []

  private constructor(
    readonly env: TestEnv,
    private readonly folder: string,
  ) {}

  /** An installation with a catalog. Databases and keys that the settings name are removed with it. */
  static async create(settings: TestEnv): Promise<Installation> {
    const folder = mkdtempSync(join(tmpdir(), 'feedctl-test-'))
    const env = { FEEDCTL_FETCH_ALLOW: '127.0.0.0/8', FEEDCTL_DATA: folder, FEEDCTL_MEDIA_TYPES: 'none', ...settings }
    const installation = new Installation(env, folder)
    expect(await installation.run(['init'])).toMatchObject({ exit: 0 })
    return installation
  }

  get onRedis(): boolean {
    return this.env.QUEUE_CONNECTION === 'redis'
  }

  /** A command line in this process. */
  run(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return runCli(argv, { cwd: this.folder, ...options, env: { ...this.env, ...options.env } })
  }

  /** A command line as a process of its own. */
  start(argv: readonly string[], env: TestEnv = {}): BinProcess {
    const started = new BinProcess(argv, { ...this.env, ...env }, this.folder)
    this.processes.push(started)
    return started
  }

  /** A worker process that consumes. */
  async startWorker(flags: readonly string[] = [], env: TestEnv = {}): Promise<BinProcess> {
    const worker = this.start(['queue', 'work', ...flags], env)
    await worker.says('working on ')
    return worker
  }

  /** A worker process that takes no job before it is sent SIGUSR2: a follower that finds no worker for 5 s gives up, and a start may take as long. */
  startStandIn(): Promise<BinProcess> {
    return this.startWorker(['--paused'])
  }

  /** Worker processes, where jobs are run by such. */
  async startWorkers(count: number): Promise<void> {
    if (this.onRedis) await Promise.all(Array.from({ length: count }, () => this.startWorker()))
  }

  async createTenant(slug: string, feeds: readonly string[], flags: readonly string[] = []): Promise<void> {
    const feedFlags = feeds.length === 0 ? [] : ['--feed', ...feeds]
    expect(await this.run(['tenant', 'create', slug, ...flags, ...feedFlags])).toMatchObject({ exit: 0 })
  }

  async sync(...argv: string[]): Promise<SyncEnd> {
    const end = await this.run(['sync', ...argv, '--json', '--progress', 'none'])
    if (end.out === '') throw new Error(`sync printed no report: ${JSON.stringify(end)}`)
    return { ...end, report: JSON.parse(end.out) as SyncJson }
  }

  async feeds(slug: string): Promise<FeedJson[]> {
    const listed = await this.run(['feed', 'list', slug, '--json'])
    expect(listed).toMatchObject({ exit: 0 })
    return (JSON.parse(listed.out) as { feeds: FeedJson[] }).feeds
  }

  /** The parts of this installation, to be closed by its caller. */
  open(): Promise<App> {
    const { config } = loadConfig({ env: this.env, envFile: join(this.folder, '.env'), envFileNamed: false })
    return openApp(config, new Log(() => {}))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.processes.map(started => started[Symbol.asyncDispose]()))
    if (this.env.DB_CONNECTION === 'mysql') await dropDatabases(this.env)
    if (this.onRedis) await deleteRedisKeys(this.env)
    rmSync(this.folder, { recursive: true, force: true })
  }
}
