import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Config } from '../../kernel/config.js'
import { Failure } from '../../kernel/errors.js'
import { type ChildPlace, FeedctlChild, failureOf } from '../sync/child.js'
import { childrenCpuS, usageOf } from '../sync/usage.js'

/** How often a running program is asked for its memory, which only grows. */
const LOOK_EVERY_MS = 20

/** What it took to bring files to the bucket. */
export interface Copying {
  /** From the start of the program to its end. */
  readonly wallMs: number
  /** User and system time of the program and of all that it started; null where it cannot be known. */
  readonly cpuS: number | null
  readonly peakRssBytes: number | null
}

export interface Migrated extends Copying {
  /** Files that feedctl says it brought there. */
  readonly migrated: number
}

/** Lets a feedctl of its own migrate all tenants. @throws {Failure} as that feedctl fails; the signal's reason */
export async function runMigration(place: ChildPlace, onLine: (line: string) => void, signal: AbortSignal): Promise<Migrated> {
  const before = childrenCpuS()
  const child = FeedctlChild.start(['media', 'migrate-to-wasabi', '--all', '--json', '--progress', 'none'], place, onLine)
  const stop = () => void child.stop()
  signal.addEventListener('abort', stop)
  const end = await child.ended.finally(() => signal.removeEventListener('abort', stop))
  signal.throwIfAborted()
  if (end.exit !== 0) throw failureOf('the migration', end)
  const { files } = JSON.parse(end.out) as { files: { migrated: number } }
  return {
    wallMs: end.wallMs,
    cpuS: between(before, childrenCpuS()) ?? end.usage.cpuS,
    peakRssBytes: end.usage.peakRssBytes,
    migrated: files.migrated,
  }
}

/** The version of rclone on this machine; null when there is none. */
export async function rcloneVersion(path: string | undefined): Promise<string | null> {
  try {
    const { out } = await run('rclone', ['version'], path === undefined ? {} : { PATH: path }, null, new AbortController().signal)
    return /^rclone v(\S+)/.exec(out)?.[1] ?? null
  } catch {
    return null
  }
}

export interface RcloneDeed {
  readonly folder: string
  /** Keys are `<prefix>/<path below the folder>`. */
  readonly prefix: string
  readonly transfers: number
  readonly config: Config
  /** The environment of the programs that feedctl starts. */
  readonly env: Readonly<Record<string, string>>
}

/** Lets rclone copy the folder into the bucket. Its keys are told in the environment. @throws {Failure} UNAVAILABLE; the signal's reason */
export async function runRclone({ folder, prefix, transfers, config, env }: RcloneDeed, signal: AbortSignal): Promise<Copying> {
  const argv = ['copy', folder, `bench:${config.wasabiBucket}/${prefix}`, '--transfers', `${transfers}`, '--retries', '1']
  const remote = { ...onlyPlaces(env), ...remoteOf(config) }
  const before = childrenCpuS()
  const { exit, said, wallMs, peakRssBytes } = await run('rclone', argv, remote, LOOK_EVERY_MS, signal)
  signal.throwIfAborted()
  if (exit !== 0) throw new Failure('UNAVAILABLE', `rclone ended with ${exit ?? 'a signal'}: ${said.slice(-3).join(' | ')}`)
  return { wallMs, cpuS: between(before, childrenCpuS()), peakRssBytes }
}

/** A remote of rclone by the name of `bench`, and no configuration file. */
function remoteOf(config: Config): Record<string, string> {
  return {
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CONFIG_BENCH_TYPE: 's3',
    RCLONE_CONFIG_BENCH_PROVIDER: 'Other',
    RCLONE_CONFIG_BENCH_ENDPOINT: config.wasabiEndpoint ?? '',
    RCLONE_CONFIG_BENCH_REGION: config.wasabiRegion,
    RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: config.wasabiAccessKeyId ?? '',
    RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: config.wasabiSecretAccessKey ?? '',
    RCLONE_CONFIG_BENCH_FORCE_PATH_STYLE: 'true',
    RCLONE_CONFIG_BENCH_NO_CHECK_BUCKET: 'true',
  }
}

function onlyPlaces(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => ['PATH', 'HOME', 'TMPDIR', 'LANG'].includes(name)))
}

interface Ran {
  readonly exit: number | null
  readonly out: string
  /** Its lines on stderr. */
  readonly said: readonly string[]
  readonly wallMs: number
  readonly peakRssBytes: number | null
}

/** @throws when it cannot be started */
function run(
  program: string,
  argv: readonly string[],
  env: Record<string, string>,
  lookEveryMs: number | null,
  signal: AbortSignal,
): Promise<Ran> {
  const begun = performance.now()
  const child = spawn(program, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const stop = () => void child.kill('SIGTERM')
  signal.addEventListener('abort', stop)
  const [out, said]: [string[], string[]] = [[], []]
  createInterface({ input: child.stdout }).on('line', line => out.push(line))
  createInterface({ input: child.stderr }).on('line', line => said.push(line))
  let peakRssBytes: number | null = null
  const look = () => {
    peakRssBytes = usageOf(child.pid ?? 0).peakRssBytes ?? peakRssBytes
  }
  const timer = lookEveryMs === null ? undefined : setInterval(look, lookEveryMs)
  let wallMs = 0
  return new Promise<Ran>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => {
      wallMs = performance.now() - begun
    })
    child.once('close', exit => resolve({ exit, out: out.join('\n'), said, wallMs, peakRssBytes }))
  }).finally(() => {
    clearInterval(timer)
    signal.removeEventListener('abort', stop)
  })
}

function between(before: number | null, after: number | null): number | null {
  return before === null || after === null ? null : after - before
}
