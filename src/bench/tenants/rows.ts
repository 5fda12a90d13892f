import { judge, least, looksAt, most, type Promised, type Row } from '../judging.js'
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
  const { min, max, samples } = rowOf(dedicated, 'dedicated_ratio', ratios)
  const unlessMany = (target: number) => (load.shared <= TARGETS.shared ? most(target) : null)
  const expected = load.shared + load.dedicated + 2 * load.signUps
  const short = detached !== null && detached.added !== expected ? [`${detached.added} of ${expected} jobs were added`] : []
  return [
    rowOf(dedicated, 'bare_ddl_per_s', [rate(made.bareMs)]),
    rowOf(dedicated, 'dedicated_per_s', [rate(made.tenantsMs)]),
    // Of all turns together; its spread is that of the turns.
    {
      ...rowOf(dedicated, 'dedicated_ratio', [sum(made.bareMs) / sum(made.tenantsMs)], least(TARGETS.ddlRatio)),
      min,
      max,
      samples,
    },
    rowOf(dedicated, 'dedicated_s', [sum(made.tenantsMs) / 1000]),
    rowOf(
      dedicated,
      'migrate_nothing_ms',
      migrateNothingMs,
      load.dedicated <= TARGETS.dedicated ? most(TARGETS.migrateNothingMs) : null,
    ),
    rowOf('mvp', 'sign_up_ms', signUps.alone),
    rowOf('mvp', 'sign_up_spare_ms', signUps.spare, most(TARGETS.signUpSpareMs)),
    rowOf(all, 'shared_s', [sharedMs / 1000], unlessMany(TARGETS.sharedS)),
    rowOf(all, 'list_first_ms', reads.first, unlessMany(TARGETS.pageMs)),
    rowOf(all, 'list_middle_ms', reads.middle, unlessMany(TARGETS.pageMs)),
    rowOf(all, 'show_ms', reads.show, unlessMany(TARGETS.pageMs)),
    ...(detached === null ? [] : [rowOf(all, 'sync_detach_s', [detached.ms / 1000], unlessMany(TARGETS.detachS), short)]),
  ]
}

function rowOf(
  phase: Row['phase'],
  metric: string,
  values: readonly number[],
  promised: Promised | null = null,
  faults: readonly string[] = [],
): Row {
  return judge(phase, metric, looksAt(values, faults), promised, { unmeasured: 'invalid' })
}
