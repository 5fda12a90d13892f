import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import type { Site } from './site.js'
import type { ReadTenant } from './tenants.js'

const MOST_POSTS = 100
const PAUSE_MS = 25
const FAILURES_KEPT = 10

interface Page {
  readonly posts: readonly { readonly id: number; readonly feed: { readonly url: string }; readonly url: string | null }[]
  readonly next: string | null
}

export interface ReadersEnd {
  readonly answered: number
  /** The first of them. */
  readonly failures: readonly string[]
  /** The longest that one waited for an answer, ms. */
  readonly slowestMs: number
  /** The longest in which nobody had an answer, ms. */
  readonly gapMs: number
}

/** A client of each tenant that reads pages by the load balancer, of another size each time: few of them are kept ready. They end with the test. */
export class Readers {
  private isOver = false
  private answered = 0
  private slowestMs = 0
  private gapMs = 0
  private lastAt = performance.now()
  private readonly failures: string[] = []
  private readonly agent: Agent
  private readonly loops: Promise<void>[]

  /** @param least posts that each has already */
  constructor(
    private readonly site: Site,
    tenants: readonly ReadTenant[],
    private readonly least: number,
  ) {
    this.agent = agentFor(site)
    this.loops = tenants.map(tenant => this.read(tenant))
    onTestFinished(async () => void (await this.end()))
  }

  get count(): number {
    return this.answered
  }

  async end(): Promise<ReadersEnd> {
    this.isOver = true
    await Promise.all(this.loops)
    this.agent.destroy()
    const { answered, failures, slowestMs, gapMs } = this
    return { answered, failures, slowestMs, gapMs }
  }

  private fail(how: string): void {
    if (this.failures.length < FAILURES_KEPT) this.failures.push(how)
  }

  private async read({ slug, token }: ReadTenant): Promise<void> {
    for (let turn = 0; !this.isOver; turn++) {
      const limit = 1 + (turn % MOST_POSTS)
      const since = performance.now()
      try {
        const { posts } = await pageOf(this.site, this.agent, token, `/v1/posts?limit=${limit}`)
        if (posts.length < Math.min(limit, this.least)) this.fail(`${slug} has ${posts.length} posts of ${limit}`)
        this.answered++
      } catch (error) {
        this.fail(`${slug}: ${String(error)}`)
      }
      const now = performance.now()
      this.slowestMs = Math.max(this.slowestMs, now - since)
      this.gapMs = Math.max(this.gapMs, now - this.lastAt)
      this.lastAt = now
      await pause(PAUSE_MS)
    }
  }
}

/** All that a tenant's client reads, page after page. */
export async function readAll(site: Site, { token }: ReadTenant): Promise<Page['posts']> {
  const agent = agentFor(site)
  try {
    const posts: Page['posts'][number][] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const more: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const page = await pageOf(site, agent, token, `/v1/posts?limit=${MOST_POSTS}${more}`)
      posts.push(...page.posts)
      cursor = page.next
    }
    return posts
  } finally {
    agent.destroy()
  }
}

function agentFor(site: Site): Agent {
  return new Agent({ keepAlive: true, ca: readFileSync(site.scale.certificate) })
}

/** @throws {Error} when it is not answered with 200 */
function pageOf(site: Site, agent: Agent, token: string, path: string): Promise<Page> {
  return new Promise((resolve, reject) => {
    const asking = request(site.origin + path, { agent, headers: { authorization: `Bearer ${token}` } }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString()
        if (response.statusCode === 200) resolve(JSON.parse(body) as Page)
        else reject(new Error(`status ${response.statusCode}: ${body}`))
      })
    })
    asking.on('error', reject)
    asking.end()
  })
}
