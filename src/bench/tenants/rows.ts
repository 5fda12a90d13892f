import { median, type Row } from '../sync/rows.js'
import { phaseOf } from '../sync/targets.js'
import type { Made } from './deeds.js'
import { TARGETS, type TenantsLoad } from './load.js'

/** What was measured; null where this installation has none of it. */
export interface TenantsRound {
  readonly made: Made
  readonly migrateNothingMs: readonly number[]
  readonly signUps: { readonly alone: readonly number[]; readonly spare: readonly number[] }
  readonly sharedMs: number
  readonly reads: { readonly first: readonly number[]; readonly middle: readonly number[]; readonly show: readonly number[] }
  readonly detached: { readonly ms: number; readonly added: number } | null
}

/** Those of a larger load than was promised for have no target. */
export function rowsOf(load: TenantsLoad, { made, migrateNothingMs, signUps, sharedMs, reads, detached }: TenantsRound): Row[] {
  const [dedicated, all] = [phaseOf(load.dedicated), phaseOf(load.shared)]
  const sum = (times: readonly number[]) => times.reduce((total, ms) => total + ms, 0)
  const rate = (times: readonly number[]) => (made.count * 1000) / sum(times)
  const ratios = made.tenantsMs.map((ms, turn) => (made.bareMs[turn] ?? Number.NaN) / ms)
  const promised = load.shared <= TARGETS.shared
  const expected = load.shared + load.dedicated + 2 * load.signUps
  const short = detached !== null && detached.added !== expected ? `${detached.added} of ${expected} jobs were added` : null
  return [
    rowOf(dedicated, 'bare_ddl_per_s', [rate(made.bareMs)]),
    rowOf(dedicated, 'dedicated_per_s', [rate(made.tenantsMs)]),
    {
      ...rowOf(dedicated, 'dedicated_ratio', [sum(made.bareMs) / sum(made.tenantsMs)], {
        target: TARGETS.ddlRatio,
        atLeast: true,
      }),
      min: rounded(Math.min(...ratios)),
      max: rounded(Math.max(...ratios)),
    },
    rowOf(dedicated, 'dedicated_s', [sum(made.tenantsMs) / 1000]),
    rowOf(
      dedicated,
      'migrate_nothing_ms',
      migrateNothingMs,
      load.dedicated <= TARGETS.dedicated ? { target: TARGETS.migrateNothingMs } : {},
    ),
    rowOf('mvp', 'sign_up_ms', signUps.alone),
    rowOf('mvp', 'sign_up_spare_ms', signUps.spare, { target: TARGETS.signUpSpareMs }),
    rowOf(all, 'shared_s', [sharedMs / 1000], promised ? { target: TARGETS.sharedS } : {}),
    rowOf(all, 'list_first_ms', reads.first, promised ? { target: TARGETS.pageMs } : {}),
    rowOf(all, 'list_middle_ms', reads.middle, promised ? { target: TARGETS.pageMs } : {}),
    rowOf(all, 'show_ms', reads.show, promised ? { target: TARGETS.pageMs } : {}),
    ...(detached === null
      ? []
      : [rowOf(all, 'sync_detach_s', [detached.ms / 1000], { ...(promised ? { target: TARGETS.detachS } : {}), why: short })]),
  ]
}

function rowOf(
  phase: Row['phase'],
  metric: string,
  values: readonly number[],
  { target = null, atLeast, why = null }: { target?: number | null; atLeast?: true; why?: string | null } = {},
): Row {
  const measured = rounded(median(values) ?? Number.NaN)
  const fault = why ?? (measured === null ? 'nothing was measured' : null)
  const reached = measured !== null && target !== null && (atLeast ? measured >= target : measured <= target)
  return {
    phase,
    metric,
    target,
    ...(atLeast ? { atLeast } : {}),
    measured,
    min: rounded(Math.min(...values)),
    max: rounded(Math.max(...values)),
    pass: target === null || measured === null ? null : fault === null && reached,
    valid: fault === null,
    why: fault,
  }
}

function rounded(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toFixed(3)) : null
}
