import { Failure } from '../../kernel/errors.js'
import type { Place } from '../sync/place.js'
import { measureBehindNginx } from './behind-nginx.js'
import { measureCached, ofProcess } from './cached.js'
import type { Target } from './connection.js'
import type { Asked } from './expectations.js'
import { measureHeld } from './held.js'
import { LIST_PATH, POSTS_PER_PAGE } from './load.js'
import { LoadProcess } from './load-process.js'
import type { ApiBenchOptions } from './options.js'
import type { Caller } from './population.js'
import { askedFor, askOnce, differences, type RealAnswer, sameBytes } from './real-answer.js'
import type { ApiRound } from './rows.js'
import { Service } from './service.js'
import { measureUncached } from './uncached.js'
import { measureUsers } from './users.js'

type RoundOptions = Pick<ApiBenchOptions, 'load' | 'watcher' | 'signal'>

/** One repetition beside a bare server. @throws {Failure} UNAVAILABLE, CHECK_FAILED; the signal's reason */
export async function apiRound(place: Place, callers: readonly Caller[], { load, watcher, signal }: RoundOptions) {
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
    const { connections, rate, goalMs } = load
    const tokens = callers.map(({ token }) => token)
    const users = await measureUsers({ target: service.target, asked, tokens, connections, rate, goalMs, durationMs }, generator)
    measured = { cached: { ...cached, faults: [...faults, ...cached.faults] }, users }
  }
  watcher.note('without its cache')
  const uncached = await measureUncached(place, asked, generator, durationMs, signal)
  if (load.nginx) watcher.note('behind nginx: one process, and three')
  const nginx = load.nginx ? await measureBehindNginx(place, asked, generator, durationMs, signal) : null
  return { figures: { ...measured, uncached, nginx }, answerBytes }
}

/** One repetition of connections that are held. @throws {Failure} UNAVAILABLE; the signal's reason */
export async function heldRound(place: Place, callers: readonly Caller[], { load, watcher, signal }: RoundOptions) {
  await using service = await Service.start(place, load.workers, signal)
  const asked = (await answersFor(service.target, callers)).map(one => one.asked)
  watcher.note(`${load.connections} connections`)
  return { figures: await measureHeld(service, load, asked, signal), answerBytes: null }
}

/** What each caller is answered, once it is kept. @throws {Error} when nobody answers */
export async function answersFor(target: Target, callers: readonly Caller[]): Promise<{ asked: Asked; answer: RealAnswer }[]> {
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
