import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { makeFiles } from '../../src/bench/media/files.js'
import { LARGE, SMALL, targetsOf } from '../../src/bench/media/load.js'
import type { MediaRound } from '../../src/bench/media/round.js'
import { NO_RCLONE, rowsOf } from '../../src/bench/media/rows.js'
import type { Row } from '../../src/bench/sync/rows.js'
import { BIN, runNode } from '../support/bin.js'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'
import { type S3Server, startS3 } from '../support/s3.js'
import { s3Client } from '../support/s3-place.js'

const copying = (wallMs: number, cpuS: number | null = 3, peakRssBytes: number | null = 1e8) => ({ wallMs, cpuS, peakRssBytes })
const round = (changes: Partial<MediaRound> = {}): MediaRound => ({
  ...{ feedctl: copying(5_000), rclone: copying(6_000, 2.5), faults: [] },
  ...changes,
})
const rowOf = (metric: string, rounds: readonly MediaRound[], shape = SMALL) =>
  rowsOf(shape, rounds).find(row => row.metric === metric)

describe('the rows of a media benchmark', () => {
  test.each([
    ['small_wall_ratio', 0.833, 1, true],
    ['small_cpu_ratio', 1.2, 1.5, true],
    ['small_peak_rss_bytes', 1e8, 250_000_000, true],
    ['small_feedctl_s', 5, null, null],
    ['small_feedctl_files_per_s', 600, null, null],
    ['small_rclone_cpu_s', 2.5, null, null],
  ])('have %s', (metric, measured, target, pass) => {
    expect(rowOf(metric, [round()])).toMatchObject({ measured, target, pass, valid: true, why: null })
  })

  it('compare both within each round, and take the median of that; of memory the most', () => {
    const rounds = [
      round(),
      round({ feedctl: copying(9_000, 3, 2e8), rclone: copying(6_000) }),
      round({ feedctl: copying(8_000), rclone: copying(10_000) }),
    ]
    expect(rowOf('small_wall_ratio', rounds)).toMatchObject({ measured: 0.833, min: 0.8, max: 1.5, pass: true })
    expect(rowOf('small_peak_rss_bytes', rounds)).toMatchObject({ measured: 2e8, pass: true })
    expect(rowOf('small_peak_rss_bytes', [round({ feedctl: copying(1, 1, 3e8) })])).toMatchObject({ pass: false })
  })

  it('compare nothing where there is no rclone, and keep our own figures', () => {
    const rounds = [round({ rclone: null })]
    expect(rowOf('small_wall_ratio', rounds)).toMatchObject({ measured: null, pass: null, valid: false, why: NO_RCLONE })
    expect(rowOf('small_feedctl_s', rounds)).toMatchObject({ measured: 5, valid: true })
  })

  it('do not pass when an object is not as its file', () => {
    const rounds = [round({ faults: ['objects of feedctl: 1 as their files instead of 2'] }), round()]
    expect(rowOf('small_wall_ratio', rounds)).toMatchObject({ pass: false, valid: false })
    expect(rowOf('small_feedctl_s', rounds)).toMatchObject({ valid: false, why: expect.stringContaining('1 as their files') })
  })

  it('promise what the files are, and nothing of a few', () => {
    expect(targetsOf(LARGE)).toEqual({ wallRatio: 1.1, cpuRatio: null })
    expect(targetsOf({ ...SMALL, files: 100 })).toEqual({ wallRatio: null, cpuRatio: null })
    expect(rowOf('large_wall_ratio', [round({ feedctl: copying(6_500) })], LARGE)).toMatchObject({ target: 1.1, pass: true })
  })
})

test('files are made that are all different, and of the size that was asked for', async () => {
  const folder = temporaryFolder()
  const files = await makeFiles(folder, { name: 'small', files: 20, bytes: 100 }, new AbortController().signal)
  expect(new Set(files.map(({ md5 }) => md5)).size).toBe(20)
  expect(files.every(({ name, bytes }) => bytes === 100 && existsSync(join(folder, name)))).toBe(true)
})

describe('feedctl bench media', () => {
  let s3: S3Server
  beforeAll(async () => {
    s3 = await startS3()
  })
  afterAll(() => s3[Symbol.asyncDispose]())

  test.each([
    [{}, 'WASABI_BUCKET is not set'],
    [{ WASABI_BUCKET: 'b' }, 'only one of this machine, not of Wasabi'],
    [{ WASABI_BUCKET: 'b', WASABI_ENDPOINT: 'https://s3.example.org' }, 'not of https://s3.example.org'],
    [{ WASABI_BUCKET: 'b', WASABI_ENDPOINT: 'https://127.0.0.1.example.org' }, 'only one of this machine'],
  ])('fills no bucket that costs money: %j', async (env, words) => {
    const { exit, err } = await runCli(['bench', 'media'], { env })
    expect({ exit, err }).toMatchObject({ exit: 3, err: expect.stringContaining(words) })
  })

  test('measures a migration, says why it compares nothing, and leaves nothing', { timeout: 120_000 }, async () => {
    const folder = temporaryFolder()
    const flags = ['--files', '12', '--bytes', '2000', '--repeat', '1', '--json', '--progress', 'none', '--assert']
    // Without rclone's folder: what rclone does is measured where it is installed.
    const env = { ...s3.env, TMPDIR: folder, FEEDCTL_DATA: temporaryFolder(), PATH: '/nowhere' }
    const { exit, out, err } = await runNode([BIN, 'bench', 'media', ...flags], { cwd: folder, env })
    expect({ exit, err }).toMatchObject({ exit: 8, err: expect.stringContaining('small_wall_ratio') })
    const { rows, settings, machine } = JSON.parse(out) as { rows: Row[]; settings: { rclone: null }; machine: { cpus: number } }
    expect(settings).toMatchObject({ rclone: null, shapes: [{ name: 'small', files: 12, bytes: 2_000 }], bucket: s3.bucket })
    expect(machine.cpus).toBeGreaterThan(0)
    const ours = rows.filter(({ metric }) => metric.startsWith('small_feedctl') || metric === 'small_peak_rss_bytes')
    expect(ours.map(({ valid, measured }) => valid && (measured ?? 0) > 0)).toEqual([true, true, true, true])
    expect(rows.filter(({ valid }) => !valid).map(({ why }) => why)).toEqual(Array(5).fill(NO_RCLONE))
    expect(out + err).not.toContain('S3RVER')
    expect(readdirSync(folder)).toEqual([])
    const client = s3Client(s3)
    const { KeyCount } = await client.send(new ListObjectsV2Command({ Bucket: s3.bucket }))
    client.destroy()
    expect(KeyCount).toBe(0)
  })
})
