import type { Config, Environment } from '../../kernel/config.js'
import { Failure } from '../../kernel/errors.js'
import { describeMachine, type Machine } from '../sync/machine.js'
import { Place } from '../sync/place.js'
import type { Row } from '../sync/rows.js'
import type { Watcher } from '../sync/watcher.js'
import { measureBehindNginx } from './behind-nginx.js'
import { measureCached, ofProcess } from './cached.js'
import type { Target } from './connection.js'
import type { Asked } from './expectations.js'
import { type HeldFigures, measureHeld, spreadOf } from './held.js'
import { type ApiLoad, FEEDS_PER_TENANT, HELD_FROM, LIST_PATH, POSTS_PER_FEED, POSTS_PER_PAGE, TARGETS } from './load.js'
import { LoadProcess } from './load-process.js'
import { type Caller, populate } from './population.js'
import { askedFor, askOnce, differences, type RealAnswer, sameBytes } from './real-answer.js'
import { type ApiRound, heldRows, rowsOf } from './rows.js'
import { Service } from './service.js'
import { measureUncached } from './uncached.js'
import { measureUsers } from './users.js'

export interface ApiBenchOptions {
  /** The operator's settings: drivers and servers are taken from them, databases, folders and keys never. */
  readonly operator: Config
  readonly env: Environment
  readonly load: ApiLoad
  readonly watcher: Watcher
  /** Ends what is running and removes what was made. */
  readonly signal: AbortSignal
}

export interface ApiBenchResult {
  readonly scenario: 'api'
  readonly machine: Machine
  /** `answerBytes`: of the list of posts that is asked for, its head left out; null where connections are held. */
  readonly settings: ApiLoad & { readonly path: string; readonly answerBytes: number | null }
  readonly rows: readonly Row[]
  /** The scalability model of scenarios that have one. */
  readonly model: null
}

/**
 * Measures a real `feedctl serve` on the configured drivers: beside a bare server of Node that sends the same bytes, with many users, at a fixed rate, and without
 * its cache; or, with very many connections, holding them.
 * @throws {Failure} CONFIG_INVALID when this system cannot open so many connections; UNAVAILABLE; the signal's reason
 */
export async function benchApi(options: ApiBenchOptions): Promise<ApiBenchResult> {
  const { operator, load, watcher, signal } = options
  const isHeld = load.connections >= HELD_FROM
  if (isHeld) spreadOf(load.connections, load.workers)
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
    const machine = describeMachine(operator)
    const rows = rounds.map(one => one.figures)
    return {
      ...{ scenario: 'api', machine },
      settings: { ...load, path: LIST_PATH, answerBytes: rounds[0]?.answerBytes ?? null },
      rows: isHeld ? heldRows(load, rows as HeldFigures[]) : rowsOf(load, rows as ApiRound[]),
      model: null,
    }
  } catch (error) {
    // Ctrl-C reaches the children too: what fails because they are gone is the interruption, not a failure of its own.
    signal.throwIfAborted()
    throw error
  }
}

/** A place of its own, whose API has no limit of requests. */
export function choosePlace({ operator, env, watcher }: Pick<ApiBenchOptions, 'operator' | 'env' | 'watcher'>): Promise<Place> {
  const note = (line: string) => watcher.note(line)
  return Place.choose({ operator: { ...operator, apiRate: 0 }, env, fetchPerHost: null, keep: false, note })
}

async function apiRound(place: Place, callers: readonly Caller[], { load, watcher, signal }: ApiBenchOptions) {
  await using generator = LoadProcess.start(signal)
  const durationMs = load.duration * 1000
  let measured: Pick<ApiRound, 'cached' | 'users'>
  let asked: Asked[]
  let answerBytes: number
  {
    await using bare = LoadProcess.start(signal)
    await using service = await Service.start(place, load.workers, signal)
    const answers = await answersFor(service.target, callers)
    asked = answers.map(({ asked: one }) => one)
    const real = (answers[0] as { answer: RealAnswer }).answer
    refuseOthers(real)
    answerBytes = real.body.length
    const { port } = (await bare.run<{ port: number }>('bareServer', sameBytes(real))).result
    const other = { host: '127.0.0.1', port }
    const faults = differences(real, await askOnce(other, LIST_PATH, ''))
    watcher.note('cached answers, in turns with a bare server')
    const feedctl = { target: service.target, asked, usages: () => service.usages() }
    const contender = ofProcess(bare.pid, other, asked.slice(0, 1))
    const cached = await measureCached({ feedctl, bare: contender }, generator, durationMs)
    watcher.note(`${load.connections} users, then ${load.rate} requests per second`)
    const { connections, rate } = load
    const tokens = callers.map(({ token }) => token)
    const users = await measureUsers(
      { target: service.target, asked, tokens, connections, rate, goalMs: TARGETS.usersP99Ms, durationMs },
      generator,
    )
    measured = { cached: { ...cached, faults: [...faults, ...cached.faults] }, users }
  }
  watcher.note('without its cache')
  const uncached = await measureUncached(place, asked, generator, durationMs, signal)
  if (load.nginx) watcher.note('behind nginx: one process, and three')
  const nginx = load.nginx ? await measureBehindNginx(place, asked, generator, durationMs, signal) : null
  return { figures: { ...measured, uncached, nginx }, answerBytes }
}

async function heldRound(place: Place, callers: readonly Caller[], { load, watcher, signal }: ApiBenchOptions) {
  await using service = await Service.start(place, load.workers, signal)
  const asked = (await answersFor(service.target, callers)).map(one => one.asked)
  watcher.note(`${load.connections} connections`)
  return { figures: await measureHeld(service, load, asked, signal), answerBytes: null }
}

/** What each caller is answered, once it is kept. */
async function answersFor(target: Target, callers: readonly Caller[]): Promise<{ asked: Asked; answer: RealAnswer }[]> {
  const answers: { asked: Asked; answer: RealAnswer }[] = []
  for (const { token } of callers) {
    await askOnce(target, LIST_PATH, token)
    const answer = await askOnce(target, LIST_PATH, token)
    answers.push({ asked: askedFor(LIST_PATH, token, answer), answer })
  }
  return answers
}

/** @throws {Failure} CHECK_FAILED when the answer is not the list that is to be measured */
function refuseOthers({ status, body }: RealAnswer): void {
  const posts = status === 200 ? (JSON.parse(body.toString()) as { posts?: unknown[] }).posts?.length : 0
  if (posts === POSTS_PER_PAGE) return
  throw new Failure(
    'CHECK_FAILED',
    `${LIST_PATH} is answered with ${status} and ${posts ?? 'no'} posts instead of ${POSTS_PER_PAGE}`,
  )
}
