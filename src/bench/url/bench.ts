import type { Config } from '../../kernel/config.js'
import type { DrawnResult } from '../api/closed-loop.js'
import type { Target } from '../api/connection.js'
import { chartsOf } from '../api/drawing.js'
import type { Asked } from '../api/expectations.js'
import { LoadProcess } from '../api/load-process.js'
import { checkConnections } from '../api/preflight.js'
import { answeredRows } from '../api/rows.js'
import { type Answered, answeredAt, answeredOf } from '../api/users.js'
import { median, type Row } from '../judging.js'
import { type HighestRate, highestRow, searchHighest, toldOf } from '../rate/highest.js'
import type { RateSearch } from '../rate/search.js'
import { measureRate, repeatsOf } from '../rate/step.js'
import type { BenchCharts } from '../result.js'
import { capacityOf } from '../sizes.js'
import { describeMachine, type Machine } from '../sync/machine.js'
import type { Watcher } from '../sync/watcher.js'
import { type Address, addressOf } from './address.js'
import { askFirst, type FirstAnswer } from './first-answer.js'
import { requestText } from './headers.js'
import type { UrlLoad } from './load.js'
import type { UserLoopOrder } from './user-loop.js'

export interface UrlBenchOptions {
  /** Nothing of it is used but to say what the rest of feedctl runs on here. */
  readonly operator: Config
  readonly load: UrlLoad
  readonly watcher: Watcher
  /** Ends what is running. */
  readonly signal: AbortSignal
}

export interface UrlBenchResult {
  readonly scenario: 'api'
  readonly machine: Machine
  /** `urls`: without the values of their queries; `headers`: their names only; `statuses`: of the first answers, which are right from there on. */
  readonly settings: Omit<UrlLoad, 'headers'> & { readonly headers: readonly string[]; readonly statuses: readonly number[] }
  /** What each URL was answered before any load. */
  readonly answers: readonly FirstAnswer[]
  readonly rows: readonly Row[]
  /** Null where it was not searched. */
  readonly highestRate: HighestRate | null
  readonly model: null
  readonly charts: BenchCharts
}

interface UrlRound {
  readonly users: Answered
  /** Null at no fixed rate. */
  readonly rate: Answered | null
}

/**
 * Measures any HTTP API by GET: with many users, at a rate, and the highest rate at a goal. What each URL is answered first is what is right afterwards; redirects are
 * answers, and not followed.
 * @throws {Failure} USAGE for URLs that are none; CONFIG_INVALID when this system cannot open so many connections; UNAVAILABLE, CHECK_FAILED when a URL is not
 * answered as it should be before any load; the signal's reason
 */
export async function benchUrl(options: UrlBenchOptions): Promise<UrlBenchResult> {
  const { load, watcher, signal } = options
  const address = addressOf(load.urls)
  checkConnections(load.connections)
  const answers: FirstAnswer[] = []
  for (const path of address.paths) answers.push(await askFirst(address.target, path, load.headers, signal))
  const asked = askedAt(address, answers, load)
  try {
    await using generator = LoadProcess.start(signal)
    const rounds: UrlRound[] = []
    while (rounds.length < load.repeat) {
      watcher.note(
        `${load.repeat > 1 ? `round ${rounds.length + 1} of ${load.repeat}: ` : ''}${load.connections} users at ${address.host}`,
      )
      rounds.push(await measureRound(address.target, asked, load, generator))
      signal.throwIfAborted()
    }
    const knownPerS = median(rounds.map(({ users }) => users.perS)) ?? 1
    const parts = { generator, target: address.target, asked, connections: load.connections, goalMs: load.goalMs, signal }
    const search = load.search
      ? await searchHighest({ ...parts, note: line => watcher.note(line) }, knownPerS, load.duration * 1000)
      : null
    return resultOf(options, address, answers, rounds, search)
  } catch (error) {
    // Ctrl-C reaches the generator too: what fails because it is gone is the interruption, not a failure of its own.
    signal.throwIfAborted()
    throw error
  }
}

async function measureRound(
  target: Target,
  asked: readonly Asked[],
  { connections, rate, goalMs, duration }: UrlLoad,
  generator: LoadProcess,
): Promise<UrlRound> {
  const durationMs = duration * 1000
  const order: UserLoopOrder = { target, users: connections, durationMs, asked }
  const users = answeredOf(await generator.run<DrawnResult>('userLoop', order))
  const parts = { generator, target, asked, connections, goalMs, threads: null, ...repeatsOf(durationMs) }
  return {
    users,
    rate: rate === null ? null : answeredAt(await measureRate(parts, rate)),
  }
}

function askedAt({ paths, host }: Address, answers: readonly FirstAnswer[], { headers }: UrlLoad): Asked[] {
  return paths.map((path, n) => ({
    text: requestText(path, host, headers),
    status: (answers[n] as FirstAnswer).status,
    bytes: null,
    sha256: null,
    ...((answers[n] as FirstAnswer).bytes > 0 ? { isNeverEmpty: true as const } : {}),
  }))
}

function resultOf(
  { operator, load }: UrlBenchOptions,
  { urls }: Address,
  answers: readonly FirstAnswer[],
  rounds: readonly UrlRound[],
  search: RateSearch | null,
): UrlBenchResult {
  const { phase, goalMs } = load
  const rates = rounds.flatMap(({ rate }) => (rate === null ? [] : [rate]))
  const p99 = phase === null ? null : goalMs
  return {
    ...{ scenario: 'api', machine: describeMachine(operator) },
    settings: { ...load, urls, headers: Object.keys(load.headers), statuses: answers.map(({ status }) => status) },
    answers,
    rows: [
      ...answeredRows(
        'users',
        rounds.map(({ users }) => users),
        p99,
        phase,
      ),
      ...(rates.length === 0 ? [] : answeredRows('rate', rates, p99, phase)),
      ...(search === null ? [] : [highestRow(phase, search, phase === null ? null : capacityOf(phase).requestsPerS)]),
    ],
    highestRate: search && toldOf(search, goalMs),
    model: null,
    charts: chartsOf(
      { users: rounds.map(({ users }) => users.drawing), rate: rates.map(({ drawing }) => drawing) },
      search?.steps ?? [],
    ),
  }
}
