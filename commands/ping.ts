import type { Io } from '../src/cli/io.js'
import { Failure, wordsOf } from '../src/kernel/errors.js'
import { parseUrl } from '../src/kernel/parse-url.js'

const PING_TIMEOUT_MS = 10_000

/**
 * Tells a watcher of cron jobs: `<url>/start` before the deed, `<url>` after it, `<url>/fail` when it failed. A ping that fails is a
 * note, never the command's failure. @throws {Failure} USAGE for what is no http(s) URL, and what the deed throws
 */
export async function pinging(io: Io, url: string | undefined, deed: () => Promise<void>): Promise<void> {
  if (url === undefined) return deed()
  const base = baseOf(url)
  await ping(io, stepOf(base, '/start'))
  try {
    await deed()
  } catch (error) {
    await ping(io, stepOf(base, '/fail'))
    throw error
  }
  await ping(io, base.href)
}

function baseOf(text: string): URL {
  const url = /^https?:\/\//i.test(text) ? parseUrl(text) : null
  if (url === null) throw new Failure('USAGE', `--ping-url ${JSON.stringify(text)} is not an http(s) URL`)
  url.pathname = url.pathname.replace(/\/$/, '')
  return url
}

/** The step belongs to the path, before a query. */
function stepOf(base: URL, step: string): string {
  const url = new URL(base)
  url.pathname += url.pathname.endsWith('/') ? step.slice(1) : step
  return url.href
}

async function ping(io: Io, url: string): Promise<void> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(PING_TIMEOUT_MS) })
    await answer.body?.cancel()
    if (!answer.ok) io.log.warn('the ping was refused', { status: answer.status })
  } catch (error) {
    io.log.warn('the ping did not get through', { why: wordsOf(error) })
  }
}
