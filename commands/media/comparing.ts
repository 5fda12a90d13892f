import type { App } from '../../src/app.js'
import { bytes, count, counted, duration } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import type { VerifyReport } from '../../src/media/verify/verify.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { failureLines } from './failure-lines.js'
import { disksWithBucket } from './naming.js'

export interface VerifyFlags {
  readonly all?: true
  readonly sample?: number
  readonly full?: true
  readonly seed?: string
  readonly manifest?: string
}

/** Compares these tenants' objects with their journals. @throws {Failure} CONFIG_INVALID */
export async function compareBucket(app: App, io: Io, tenants: readonly Tenant[] | 'all', flags: VerifyFlags) {
  const [{ verifyMedia }, { randomToken }] = await Promise.all([
    import('../../src/media/verify/verify.js'),
    import('../../src/kernel/hash.js'),
  ])
  const { wasabi } = await disksWithBucket(app)
  const progress = io.progress('verify', 'objects')
  const outcome = await verifyMedia({
    catalog: app.catalog,
    bucket: wasabi,
    tenants,
    share: flags.full ? 1 : (flags.sample ?? 0) / 100,
    seed: flags.seed ?? randomToken().slice(0, 8),
    signal: io.signal,
    progress: (objects, faults) => progress.update(objects, faults > 0 ? { faults } : {}),
  })
  progress.stop()
  return outcome
}

/** @throws {Failure} CHECK_FAILED when anything differs; what stopped it; PARTIAL */
export function endOf(io: Io, { objects, tenants }: VerifyReport, stopped: Failure | null): void {
  io.signal.throwIfAborted()
  const wrong = objects.missing + objects.differing
  if (wrong > 0) {
    const message = `${count(wrong)} of ${counted(objects.total, 'object')} are not as the journal says`
    throw new Failure('CHECK_FAILED', message, {
      hint: 'feedctl media migrate-to-wasabi uploads again what the local disk has; feedctl media verify --full reads the rest',
    })
  }
  if (stopped !== null) throw stopped
  if (tenants.failed > 0) {
    throw new Failure('PARTIAL', `${tenants.failed} of ${counted(tenants.total, 'tenant')} could not be verified`)
  }
}

export function asText(report: VerifyReport, style: Style): string {
  const { tenants, objects, sample } = report
  const bad = (value: number, words: string) => (value > 0 ? style.red(`${count(value)} ${words}`) : `0 ${words}`)
  const read = `${counted(objects.rehashed, 'object')} (${bytes(report.rehashedBytes)})`
  const total = objects.missing + objects.differing + tenants.failed
  return [
    `${style.bold('verified')} ${counted(objects.total, 'object')} (${bytes(report.bytes)}) of ${counted(tenants.total, 'tenant')} in ${duration(report.durationMs)}`,
    `  objects  ${count(objects.ok)} ok, ${bad(objects.missing, 'missing')}, ${bad(objects.differing, 'differing')}`,
    `  tenants  ${count(tenants.ok)} ok, ${bad(tenants.failed, 'failed')}, ${count(tenants.skipped)} skipped`,
    ...(sample.percent > 0 ? [`  read     ${read}; --seed ${sample.seed} reads the same ones`] : []),
    ...(objects.unknown > 0 ? [`  note     ${counted(objects.unknown, 'object')} in the bucket that no row knows`] : []),
    ...failureLines(report.failures, total, style),
  ].join('\n')
}
