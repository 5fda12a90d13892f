import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Site } from './site.js'

/** What the load balancer says of the requests that it has answered. */
export interface Requests {
  readonly answered: number
  /** Whose client went before the answer came. */
  readonly left: number
  /** Statuses other than 200, by how many had them. */
  readonly others: Readonly<Record<string, number>>
  /** That were asked of a second process, for the first had gone. */
  readonly askedAgain: number
}

/** Stops it: what it has answered last is then written too. */
export async function requestsOf(site: Site): Promise<Requests> {
  await site.balancer.stop()
  const log = readFileSync(join(site.scale.deployment.scale.balancer.logs, 'access.log'), 'utf8')
  const others: Record<string, number> = {}
  let [answered, left, askedAgain] = [0, 0, 0]
  for (const line of log.split('\n').slice(0, -1)) {
    const status = /" (\d{3}) /.exec(line)?.[1] ?? 'none'
    if (status === '499') left++
    else answered++
    if (status !== '200' && status !== '499') others[status] = (others[status] ?? 0) + 1
    if (/ 127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+ /.test(line)) askedAgain++
  }
  return { answered, left, others, askedAgain }
}
