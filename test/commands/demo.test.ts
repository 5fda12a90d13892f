import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'

interface DemoJson {
  readonly tenants: number
  readonly feeds: number
  readonly sources: number
  readonly posts: number
  readonly requests_saved: number
  readonly folder: string
  readonly env_file: string
  readonly folder_bytes: number
  readonly checks: { readonly total: number; readonly failed: number }
  readonly steps: readonly {
    readonly name: string
    readonly checks: readonly { readonly holds: boolean }[]
    readonly report?: { readonly sources: { readonly distinct: number; readonly requests: number } }
    readonly failed?: readonly { readonly url: string; readonly code: string; readonly next_check_at: string }[]
  }[]
  readonly next: readonly string[]
  readonly unset_first: readonly string[]
}

/** Every file below the folder with its text. */
function filesIn(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  const files = names.filter(name => statSync(join(folder, name)).isFile())
  return Object.fromEntries(files.map(name => [name, readFileSync(join(folder, name), 'utf8')]))
}

describe('feedctl demo', () => {
  test('plays the main job whatever the environment says, and leaves data that feedctl works on', async () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, '.env'), 'DB_CONNECTION=mysql\nDB_HOST=db.invalid\n')
    const env = { DB_CONNECTION: 'mysql', DB_HOST: 'db.invalid', QUEUE_CONNECTION: 'redis', REDIS_HOST: 'redis.invalid' }
    const { exit, out, err } = await runCli(['demo', '--json', '--progress', 'none'], { cwd, env })
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    const demo = JSON.parse(out) as DemoJson
    expect(demo).toMatchObject({ tenants: 20, sources: 60, checks: { total: 7, failed: 0 }, folder: join(cwd, 'feedctl-demo') })
    expect(demo.steps.map(step => step.name)).toEqual(['serve', 'create', 'sync', 'again', 'forced', 'publish'])
    expect(demo.steps.flatMap(step => step.checks.map(check => check.holds))).toEqual(Array(7).fill(true))
    expect(demo.requests_saved).toBe(demo.feeds - demo.sources)
    expect(demo.folder_bytes).toBeGreaterThan(1_000_000)
    expect(demo.unset_first).toEqual(['DB_CONNECTION', 'DB_HOST', 'REDIS_HOST', 'QUEUE_CONNECTION'])

    const failed = demo.steps.find(step => step.name === 'sync')?.failed ?? []
    expect(failed.map(source => [new URL(source.url).pathname, source.code])).toEqual([
      ['/faults/status-404', 'FEED_HTTP_STATUS'],
      ['/faults/status-410', 'FEED_GONE'],
      ['/faults/status-500', 'FEED_HTTP_STATUS'],
      ['/faults/hang', 'FEED_TIMEOUT'],
      ['/faults/html', 'FEED_NOT_A_FEED'],
      ['/faults/redirect-loop', 'FEED_REDIRECTS'],
      ['/faults/redirect-private', 'ADDRESS_REFUSED'],
      ['/faults/bomb-gzip', 'FEED_TOO_LARGE'],
    ])
    const nextChecks = failed.map(source =>
      source.next_check_at === null ? 'never' : Date.parse(source.next_check_at) > Date.now(),
    )
    expect(nextChecks).toEqual([true, 'never', true, true, true, true, true, true])

    const look = async (...argv: string[]) => JSON.parse((await runCli([...argv, '--env-file', demo.env_file, '--json'])).out)
    const { tenants } = await look('tenant', 'list')
    const contents = await Promise.all(tenants.map(({ slug }: { slug: string }) => look('tenant', 'show', slug)))
    const sum = (key: 'feeds' | 'posts') => contents.reduce((total, { tenant }) => total + tenant[key], 0)
    expect([tenants.length, sum('feeds'), sum('posts')]).toEqual([20, demo.feeds, demo.posts])
    expect(readdirSync(cwd).sort()).toEqual(['.env', 'feedctl-demo'])
    expect(readdirSync(demo.folder).sort()).toEqual(['.env', '.feedctl-demo', 'storage'])
  })

  test('tells the story in lines that fit 80 columns, in a folder that an earlier demo left', async () => {
    const cwd = temporaryFolder()
    const folder = join(cwd, 'feedctl-demo')
    mkdirSync(join(folder, 'storage'), { recursive: true })
    writeFileSync(join(folder, '.feedctl-demo'), '')
    writeFileSync(join(folder, 'storage', 'old'), 'of the earlier demo')
    writeFileSync(join(folder, 'mine.opml'), 'kept')
    const { exit, out } = await runCli(['demo', '--progress', 'none', '--no-color'], { cwd, tty: { columns: 80 } })
    expect(exit).toBe(0)
    const lines = out.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(50)
    const story = lines.slice(
      0,
      lines.findIndex(line => line.startsWith('Look around')),
    )
    expect(story.filter(line => line.length > 80)).toEqual([])
    expect(out).toContain('ok nothing is due: 0 requests, 0 posts written')
    expect(out).toContain('7 of 7 claims held')
    expect(out).toMatch(/\n {2}\S.* --env-file feedctl-demo\/\.env tenant list\n/)
    expect(existsSync(join(folder, 'storage', 'old'))).toBe(false)
    expect(readFileSync(join(folder, 'mine.opml'), 'utf8')).toBe('kept')
  })

  test('refuses a folder that no demo made, and touches nothing in it', async () => {
    const cwd = temporaryFolder()
    mkdirSync(join(cwd, 'feedctl-demo', 'storage'), { recursive: true })
    writeFileSync(join(cwd, 'feedctl-demo', '.env'), 'DB_PASSWORD=precious\n')
    writeFileSync(join(cwd, 'feedctl-demo', 'storage', 'feedctl.db'), 'precious')
    writeFileSync(join(cwd, 'file'), 'precious')
    const before = filesIn(cwd)
    for (const argv of [['demo'], ['demo', '--folder', 'file'], ['demo', '--folder', '.']]) {
      const { exit, out, err } = await runCli(argv, { cwd })
      expect({ exit, out }).toEqual({ exit: 4, out: '' })
      expect(err).toMatch(/^error: .*; nothing was touched \(FOLDER_TAKEN\)\n {2}try: feedctl demo --folder /)
    }
    expect(filesIn(cwd)).toEqual(before)
  })

  test('refuses a folder that another demo runs in, and names it', async () => {
    const cwd = temporaryFolder()
    const folder = join(cwd, 'feedctl-demo')
    mkdirSync(join(folder, 'storage'), { recursive: true })
    writeFileSync(join(folder, '.feedctl-demo'), '')
    writeFileSync(join(folder, 'running'), 'elsewhere:4711:token')
    writeFileSync(join(folder, 'storage', 'a'), 'in use')
    const { exit, err } = await runCli(['demo'], { cwd })
    expect(exit).toBe(7)
    expect(err).toContain('a demo is already running in this folder: pid 4711 on elsewhere (LOCKED)')
    expect(readFileSync(join(folder, 'storage', 'a'), 'utf8')).toBe('in use')
  })

  test('stops before it begins when it was interrupted, and makes nothing', async () => {
    const cwd = temporaryFolder()
    const { exit, out } = await runCli(['demo'], { cwd, signal: AbortSignal.abort() })
    expect({ exit, out, made: readdirSync(cwd) }).toEqual({ exit: 130, out: '', made: [] })
  })
})
