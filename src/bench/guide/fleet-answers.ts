import { sleep } from '../../kernel/clock.js'
import type { ClosedLoopOrder, LoopResult } from '../api/closed-loop.js'
import type { Target } from '../api/connection.js'
import type { Asked } from '../api/expectations.js'
import { BUSY_CONNECTIONS, LIST_PATH } from '../api/load.js'
import type { LoadProcess } from '../api/load-process.js'
import { askedFor, askOnce } from '../api/real-answer.js'

/** Requests of one order: each is told to the generator with its answer. */
const AT_ONCE = 1_000
/** An API that has too much to do puts requests off (503): who was put off asks again. */
const TRIES = 3
const PAUSE_MS = 1_000
/** Far more than an answer takes. */
const DEADLINE_MS = 120_000

/** Lets each tenant, none of which has a post, ask once. Answers how many were answered so, and of what kinds the other answers were. @throws {Failure} UNAVAILABLE */
export async function askEach(
  target: Target,
  generator: LoadProcess,
  tokens: readonly string[],
  progress: (done: number) => void,
): Promise<{ right: number; complaints: string[] }> {
  const [first] = tokens
  if (first === undefined) return { right: 0, complaints: [] }
  const empty = await askOnce(target, LIST_PATH, first)
  const text = empty.body.toString()
  const hasPosts = empty.status !== 200 || (JSON.parse(text) as { posts: unknown[] }).posts.length > 0
  if (hasPosts) return { right: 0, complaints: [`a tenant without posts is answered with ${empty.status} ${text.slice(0, 100)}`] }
  const complaints = new Set<string>()
  let right = 0
  for (let from = 0; from < tokens.length; from += AT_ONCE) {
    const asked = tokens.slice(from, from + AT_ONCE).map(token => askedFor(LIST_PATH, token, empty))
    const answered = await askAll(target, generator, asked)
    right += answered.right
    for (const complaint of answered.complaints) complaints.add(complaint)
    progress(Math.min(tokens.length, from + AT_ONCE))
  }
  return { right, complaints: [...complaints] }
}

/** All of them in one go, and again where some were not answered as they should be; the last go counts. */
async function askAll(target: Target, generator: LoadProcess, asked: readonly Asked[]) {
  const connections = Math.min(BUSY_CONNECTIONS, asked.length)
  const order: ClosedLoopOrder = { target, connections, durationMs: DEADLINE_MS, most: asked.length, asked, sequence: null }
  for (let tries = 1; ; tries++) {
    const { answers, wrong, complaints } = (await generator.run<LoopResult>('closedLoop', order)).result
    const right = answers - wrong
    if (right === asked.length || tries === TRIES) return { right, complaints }
    await sleep(PAUSE_MS)
  }
}
