import { judge, least, looksAt, most, type Promised, type Row } from '../judging.js'
import { type Phase, phaseOf } from '../sync/targets.js'
import type { Made } from './deeds.js'
import { TARGETS, type TenantsLoad } from './load.js'

/** One repetition; null where this installation has none of it. */
export interface TenantsRound {
  readonly made: Made
  readonly migrateNothingMs: readonly number[]
  readonly signUps: { readonly alone: readonly number[]; readonly spare: readonly number[] }
  readonly sharedMs: number
  readonly reads: { readonly first: readonly number[]; readonly middle: readonly number[]; readonly show: readonly number[] }
  readonly detached: { readonly ms: number; readonly added: number } | null
}

/** Those of a larger load than was promised for have no target. */
export function rowsOf(load: TenantsLoad, rounds: readonly TenantsRound[]): Row[] {
  const [dedicated, all] = [phaseOf(load.dedicated), phaseOf(load.shared)]
  const each = (value: (one: TenantsRound) => number) => rounds.map(value)
  const every = (values: (one: TenantsRound) => readonly number[]) => rounds.flatMap(values)
  const unlessMany = (target: number) => (load.shared <= TARGETS.shared ? most(target) : null)
  const migrations = load.dedicated <= TARGETS.dedicated ? most(TARGETS.migrateNothingMs) : null
  return [
    rowOf(
      dedicated,
      'bare_ddl_per_s',
      each(({ made }) => rate(made, made.bareMs)),
    ),
    rowOf(
      dedicated,
      'dedicated_per_s',
      each(({ made }) => rate(made, made.tenantsMs)),
    ),
    ratioRow(dedicated, rounds),
    rowOf(
      dedicated,
      'dedicated_s',
      each(({ made }) => sum(made.tenantsMs) / 1000),
    ),
    rowOf(
      dedicated,
      'migrate_nothing_ms',
      every(one => one.migrateNothingMs),
      migrations,
    ),
    rowOf(
      'mvp',
      'sign_up_ms',
      every(({ signUps }) => signUps.alone),
    ),
    rowOf(
      'mvp',
      'sign_up_spare_ms',
      every(({ signUps }) => signUps.spare),
      most(TARGETS.signUpSpareMs),
    ),
    rowOf(
      all,
      'shared_s',
      each(one => one.sharedMs / 1000),
      unlessMany(TARGETS.sharedS),
    ),
    ...(['first', 'middle', 'show'] as const).map(name =>
      rowOf(
        all,
        name === 'show' ? 'show_ms' : `list_${name}_ms`,
        every(({ reads }) => reads[name]),
        unlessMany(TARGETS.pageMs),
      ),
    ),
    ...detachedRows(load, all, rounds, unlessMany(TARGETS.detachS)),
  ]
}

/** Of all turns together; its spread is that of the turns. */
function ratioRow(phase: Phase, rounds: readonly TenantsRound[]): Row {
  const [bareMs, tenantsMs] = [rounds.flatMap(({ made }) => made.bareMs), rounds.flatMap(({ made }) => made.tenantsMs)]
  const ratios = tenantsMs.map((ms, turn) => (bareMs[turn] ?? Number.NaN) / ms)
  const { min, max, samples } = rowOf(phase, 'dedicated_ratio', ratios)
  const together = rowOf(phase, 'dedicated_ratio', [sum(bareMs) / sum(tenantsMs)], least(TARGETS.ddlRatio))
  return { ...together, min, max, samples }
}

function detachedRows(load: TenantsLoad, phase: Phase, rounds: readonly TenantsRound[], promised: Promised | null): Row[] {
  const expected = load.shared + load.dedicated + 2 * load.signUps
  const looks = rounds.flatMap(({ detached }) =>
    detached === null
      ? []
      : [
          {
            value: detached.ms / 1000,
            faults: detached.added === expected ? [] : [`${detached.added} of ${expected} jobs were added`],
          },
        ],
  )
  return looks.length === 0 ? [] : [judge(phase, 'sync_detach_s', looks, promised, { unmeasured: 'invalid' })]
}

function sum(times: readonly number[]): number {
  return times.reduce((total, ms) => total + ms, 0)
}

function rate({ count }: Made, times: readonly number[]): number {
  return (count * 1000) / sum(times)
}

function rowOf(phase: Phase, metric: string, values: readonly number[], promised: Promised | null = null): Row {
  return judge(phase, metric, looksAt(values), promised, { unmeasured: 'invalid' })
}
