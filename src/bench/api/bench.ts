import { median, type Row } from '../judging.js'
import type { ScalabilityModel } from '../model/model.js'
import { type HighestRate, highestRow, toldOf } from '../rate/highest.js'
import type { BenchCharts } from '../result.js'
import { capacityOf } from '../sizes.js'
import { describeMachine, type Machine } from '../sync/machine.js'
import { Place } from '../sync/place.js'
import { phaseOf } from '../sync/targets.js'
import { chartsOf } from './drawing.js'
import { type HeldFigures, spreadOf } from './held.js'
import { type ApiLoad, FEEDS_PER_TENANT, HELD_FROM, LIST_PATH, POSTS_PER_FEED } from './load.js'
import type { ApiBenchOptions } from './options.js'
import { measurePeak, type Peak } from './peak.js'
import { populate } from './population.js'
import { checkConnections } from './preflight.js'
import { apiRound, heldRound } from './rounds.js'
import { type ApiRound, heldRows, rowsOf } from './rows.js'
import { scalingRow } from './scaling.js'

export interface ApiBenchResult {
  readonly scenario: 'api'
  readonly machine: Machine
  /** `answerBytes`: of the list of posts that is asked for, its head left out; null where connections are held. */
  readonly settings: ApiLoad & { readonly urls: null; readonly path: string; readonly answerBytes: number | null }
  readonly rows: readonly Row[]
  /** Null where it was not searched. */
  readonly highestRate: HighestRate | null
  /** Null where more and more processes were not measured. */
  readonly model: ScalabilityModel | null
  readonly charts: BenchCharts
}

/**
 * Measures a real `feedctl serve` on the configured drivers: beside a bare server of Node that sends the same bytes, with many users, at a fixed rate, and without
 * its cache; or, with very many connections, holding them. Then the highest rate at a goal, and more and more processes, where that is asked for.
 * @throws {Failure} CONFIG_INVALID when this system cannot open so many connections; UNAVAILABLE; the signal's reason
 */
export async function benchApi(options: ApiBenchOptions): Promise<ApiBenchResult> {
  const { load, watcher, signal } = options
  const isHeld = load.connections >= HELD_FROM
  if (isHeld) spreadOf(load.connections, load.workers)
  else checkConnections(load.connections)
  try {
    await using place = await choosePlace(options)
    await place.prepare()
    const shape = { tenants: load.tenants, feedsPerTenant: FEEDS_PER_TENANT, postsPerFeed: POSTS_PER_FEED }
    const callers = await populate(place, shape, signal)
    const round = isHeld ? heldRound : apiRound
    const rounds: Awaited<ReturnType<typeof round>>[] = []
    while (rounds.length < load.repeat) {
      if (load.repeat > 1) watcher.note(`round ${rounds.length + 1} of ${load.repeat}`)
      rounds.push(await round(place, callers, options))
      signal.throwIfAborted()
    }
    const figures = rounds.map(one => one.figures)
    const known = isHeld
      ? (figures as HeldFigures[]).map(one => one.perS)
      : (figures as ApiRound[]).map(one => one.cached.feedctl.perS)
    const peak = await measurePeak(place, callers, options, median(known) ?? load.rate)
    return resultOf(options, isHeld ? (figures as HeldFigures[]) : (figures as ApiRound[]), rounds[0]?.answerBytes ?? null, peak)
  } catch (error) {
    // Ctrl-C reaches the children too: what fails because they are gone is the interruption, not a failure of its own.
    signal.throwIfAborted()
    throw error
  }
}

function resultOf(
  { operator, load }: ApiBenchOptions,
  figures: readonly HeldFigures[] | readonly ApiRound[],
  answerBytes: number | null,
  { search, scaling }: Peak,
): ApiBenchResult {
  const phase = load.phase ?? phaseOf(load.tenants)
  const target = load.phase === null ? null : capacityOf(load.phase).requestsPerS
  const rounds = figures.filter((one): one is ApiRound => 'users' in one)
  const held = figures.filter((one): one is HeldFigures => 'open' in one)
  const drawn = {
    users: rounds.map(({ users }) => users.users.drawing),
    crowd: rounds.map(({ users }) => users.crowd.drawing),
    rate: rounds.map(({ users }) => users.rate.drawing),
    uncached: rounds.map(({ uncached }) => uncached.drawing),
  }
  return {
    ...{ scenario: 'api', machine: describeMachine(operator) },
    settings: { ...load, urls: null, path: LIST_PATH, answerBytes },
    rows: [
      ...(held.length > 0 ? heldRows(load, held) : rowsOf(load, rounds)),
      ...(search === null ? [] : [highestRow(phase, search, target)]),
      ...(scaling === null ? [] : [scalingRow(phase, scaling)]),
    ],
    highestRate: search && toldOf(search, load.goalMs),
    model: scaling?.model ?? null,
    charts: chartsOf(drawn, search?.steps ?? []),
  }
}

/** A place of its own, whose API has no limit of requests. */
export function choosePlace({ operator, env, watcher }: Pick<ApiBenchOptions, 'operator' | 'env' | 'watcher'>): Promise<Place> {
  const note = (line: string) => watcher.note(line)
  return Place.choose({ operator: { ...operator, apiRate: 0 }, env, fetchPerHost: null, keep: false, note })
}
