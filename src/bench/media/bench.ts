import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config, Environment } from '../../kernel/config.js'
import { Failure } from '../../kernel/errors.js'
import { describeMachine, type Machine } from '../sync/machine.js'
import { Place } from '../sync/place.js'
import type { Row } from '../sync/rows.js'
import type { Watcher } from '../sync/watcher.js'
import { rcloneVersion } from './copying.js'
import { makeFiles } from './files.js'
import { type MediaLoad, MOST_BYTES, type Shape } from './load.js'
import { type MediaRound, runRound } from './round.js'
import { rowsOf } from './rows.js'

const MEBIBYTE = 1024 * 1024

export interface MediaBenchOptions {
  /** The operator's settings: the bucket, drivers and servers are taken from them; databases, folders and prefixes never. */
  readonly operator: Config
  readonly env: Environment
  readonly load: MediaLoad
  readonly watcher: Watcher
  /** Ends what is running and removes what was made. */
  readonly signal: AbortSignal
}

export interface MediaBenchResult {
  readonly scenario: 'media'
  readonly machine: Machine
  /** `rclone`: its version; null where there is none. */
  readonly settings: MediaLoad & { readonly rclone: string | null; readonly bucket: string; readonly endpoint: string }
  readonly rows: readonly Row[]
  /** The scalability model of scenarios that have one. */
  readonly model: null
}

/**
 * Measures how `media migrate-to-wasabi` brings generated files to the bucket, in turns with rclone, in a place and under prefixes of its own.
 * @throws {Failure} CONFIG_INVALID where the bucket is not on this machine; UNAVAILABLE; the signal's reason
 */
export async function benchMedia(options: MediaBenchOptions): Promise<MediaBenchResult> {
  const { operator, env, load, signal } = options
  const { bucket, endpoint } = bucketHere(operator)
  const rclone = await rcloneVersion(env.PATH)
  try {
    const rows: Row[] = []
    for (const shape of load.shapes) rows.push(...rowsOf(shape, await measure(shape, rclone, options)))
    const settings = { ...load, rclone, bucket, endpoint }
    return { scenario: 'media', machine: describeMachine(operator), settings, rows, model: null }
  } catch (error) {
    // Ctrl-C reaches the children too: what fails because they are gone is the interruption, not a failure of its own.
    signal.throwIfAborted()
    throw error
  }
}

async function measure(shape: Shape, rclone: string | null, options: MediaBenchOptions): Promise<MediaRound[]> {
  const { operator, env, load, watcher, signal } = options
  const folder = await mkdtemp(join(tmpdir(), 'feedctl-bench-files-'))
  try {
    const made = { folder, files: await makeFiles(folder, shape, signal) }
    const rounds: MediaRound[] = []
    while (rounds.length < load.repeat) {
      signal.throwIfAborted()
      if (load.repeat > 1) watcher.note(`${shape.name}: round ${rounds.length + 1} of ${load.repeat}`)
      const note = (line: string) => watcher.note(line)
      await using place = await Place.choose({ operator: inOnePart(operator), env, fetchPerHost: null, keep: false, note })
      const rcloneFirst = rounds.length % 2 === 1
      rounds.push(await runRound({ place, made, transfers: load.transfers, rclone, rcloneFirst, watcher, signal }))
    }
    return rounds
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Neither uploads in parts: what is compared is the same. */
function inOnePart(operator: Config): Config {
  return { ...operator, mediaMultipartMb: Math.max(operator.mediaMultipartMb, Math.ceil(MOST_BYTES / MEBIBYTE) + 1) }
}

/** A benchmark costs what it stores, for 90 days, where storage is rented. @throws {Failure} CONFIG_INVALID */
function bucketHere({ wasabiBucket, wasabiEndpoint }: Config): { bucket: string; endpoint: string } {
  if (wasabiBucket === null) {
    throw new Failure('CONFIG_INVALID', 'there is no bucket to measure: WASABI_BUCKET is not set', { hint: 'WASABI_BUCKET' })
  }
  if (wasabiEndpoint !== null && isHere(new URL(wasabiEndpoint).hostname))
    return { bucket: wasabiBucket, endpoint: wasabiEndpoint }
  throw new Failure(
    'CONFIG_INVALID',
    `bench media fills a bucket: only one of this machine, not of ${wasabiEndpoint ?? 'Wasabi'}`,
    {
      hint: 'WASABI_ENDPOINT=http://127.0.0.1:<port> of an S3 server here',
    },
  )
}

function isHere(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host)
}
