import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { DEFAULT_FLAGS } from '../../src/cli/flags.js'
import { Interruption } from '../../src/cli/interruption.js'
import { Failure } from '../../src/kernel/errors.js'
import { runDeed } from '../support/cli.js'

const JSON_FLAG = ['--json']

describe('a failure', () => {
  it('is said with its code and what to try, and gives its exit status', async () => {
    const result = await runDeed(async () => {
      throw new Failure('TENANT_NOT_FOUND', 'no tenant acme', { hint: 'feedctl tenant list' })
    })
    expect(result).toEqual({ exit: 4, out: '', err: 'error: no tenant acme (TENANT_NOT_FOUND)\n  try: feedctl tenant list\n' })
  })

  it('is one JSON document on stderr under --json, hint null included', async () => {
    const deed = async () => {
      throw new Failure('LOCKED', 'held by 12')
    }
    const { exit, out, err } = await runDeed(deed, {}, JSON_FLAG)
    expect({ exit, out }).toEqual({ exit: 7, out: '' })
    expect(JSON.parse(err)).toEqual({ error: { code: 'LOCKED', message: 'held by 12', hint: null } })
  })

  it('leaves the report that was printed before it', async () => {
    const deed = async (terminal: Parameters<Parameters<typeof runDeed>[0]>[0]) => {
      terminal.print({ failedFeeds: 1 }, () => '1 feed failed')
      throw new Failure('PARTIAL', '1 of 2 tenants failed')
    }
    expect(await runDeed(deed)).toMatchObject({ exit: 6, out: '1 feed failed\n' })
    expect(await runDeed(deed, {}, JSON_FLAG)).toMatchObject({ exit: 6, out: '{"failed_feeds":1}\n' })
    expect(await runDeed(deed, {}, ['--quiet'])).toMatchObject({ exit: 6, out: '1 feed failed\n' })
  })

  it('shows control characters of what it cites', async () => {
    const { err } = await runDeed(async () => {
      throw new Failure('FEED_UNREADABLE', 'tag \u001b[2J')
    })
    expect(err).toBe('error: tag \\u001b[2J (FEED_UNREADABLE)\n')
  })

  it.each([[[]], [JSON_FLAG]])('hides secrets and the credentials of URLs %j', async argv => {
    const env = { DB_PASSWORD: 'pa"ss', REDIS_URL: 'redis://:hunter%212@cache:6379/0' }
    const { err } = await runDeed(
      async terminal => {
        await terminal.prepare()
        terminal.config()
        throw new Failure('UNAVAILABLE', 'pa"ss, hunter!2, redis://:hunter%212@cache:6379/0, https://u:p@a.example/x', {
          hint: 'use pa"ss',
        })
      },
      { env },
      argv,
    )
    expect(err).toContain('***, ***, ***, https://***@a.example/x')
    expect(err).not.toMatch(/ss"|hunter|u:p/)
  })

  it('hides a short secret only where it stands alone', async () => {
    const { err } = await runDeed(
      async terminal => {
        await terminal.prepare()
        terminal.log.error('user ab lost a cab')
      },
      { env: { DB_PASSWORD: 'ab' } },
    )
    expect(err).toContain('user *** lost a cab')
  })
})

describe('the outside world', () => {
  it('makes a file that is not there a refusal', async () => {
    const result = await runDeed(async () => void readFileSync('/nowhere/feeds.opml'))
    expect(result).toEqual({
      exit: 4,
      out: '',
      err: 'error: cannot open /nowhere/feeds.opml: no such file or directory (FILE_UNREADABLE)\n',
    })
  })

  it('makes a refused connection unavailable, also as the cause of another error', async () => {
    const refused = await new Promise<Error>(resolve => connect({ port: 1, host: '127.0.0.1' }).on('error', resolve))
    const { exit, err } = await runDeed(async () => {
      throw new TypeError('fetch failed', { cause: new AggregateError([refused]) })
    })
    expect(exit).toBe(5)
    expect(err).toBe('error: cannot connect to 127.0.0.1:1: connection refused (UNAVAILABLE)\n')
  })

  it('does not take a bug for it', async () => {
    const { exit, err } = await runDeed(async () => {
      throw new TypeError('x is not a function', { cause: new Error('deeper') })
    })
    expect(exit).toBe(1)
    expect(err).toMatch(/^bug in feedctl: TypeError: x is not a function\n {4}at .*\n[\s\S]*caused by: Error: deeper\n/)
  })

  it('says a bug as JSON under --json', async () => {
    const deed = async () => {
      throw new RangeError('off by one')
    }
    const { exit, err } = await runDeed(deed, {}, JSON_FLAG)
    expect(exit).toBe(1)
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'BUG', message: 'bug in feedctl: off by one' } })
  })
})

describe('an interruption', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s exits %i when the command ended because of it', async (name, status) => {
    const controller = new AbortController()
    controller.abort(new Interruption(name))
    const { signal } = controller
    const endings: (() => never)[] = [
      () => signal.throwIfAborted() as never,
      () => {
        throw new DOMException('aborted', 'AbortError')
      },
      () => {
        throw new Error('stopped', { cause: signal.reason })
      },
      () => {
        throw new Failure('INTERRUPTED', '3 of 5 tenants done')
      },
    ]
    const exits = await Promise.all(endings.map(async end => (await runDeed(async () => end(), { signal })).exit))
    expect(exits).toEqual([status, status, status, status])
  })

  it('does not hide another failure, nor a command that was done', async () => {
    const signal = AbortSignal.abort(new Interruption('SIGINT'))
    const partial = async () => {
      throw new Failure('PARTIAL', 'some')
    }
    expect((await runDeed(partial, { signal })).exit).toBe(6)
    expect((await runDeed(async () => {}, { signal })).exit).toBe(0)
  })
})

describe('the terminal', () => {
  it('takes one result per command', async () => {
    const { exit, out } = await runDeed(async terminal => {
      terminal.print(1, String)
      terminal.print(2, String)
    })
    expect({ exit, out }).toEqual({ exit: 1, out: '1\n' })
  })

  it('is silent on success when quiet, exports and JSON excepted', async () => {
    const deed = async (terminal: Parameters<Parameters<typeof runDeed>[0]>[0]) => {
      terminal.note('a note')
      terminal.print({ a: 1 }, () => 'text')
    }
    expect(await runDeed(deed, {}, ['--quiet'])).toEqual({ exit: 0, out: '', err: '' })
    expect(await runDeed(deed, {}, ['--quiet', '--json'])).toEqual({ exit: 0, out: '{"a":1}\n', err: '' })
    expect(await runDeed(async terminal => terminal.write('<opml/>'), {}, ['--quiet'])).toMatchObject({ out: '<opml/>' })
  })

  it('refuses an export under --json', async () => {
    expect(await runDeed(async terminal => terminal.write('<opml/>'), {}, JSON_FLAG)).toMatchObject({ exit: 2, out: '' })
  })

  it('paints on a terminal only, and not under NO_COLOR or --no-color', async () => {
    const deed = async (terminal: Parameters<Parameters<typeof runDeed>[0]>[0]) =>
      terminal.print('x', (value, style) => `${style.green(value)} ${style.columns}`)
    const tty = { columns: 100 }
    expect((await runDeed(deed)).out).toBe('x Infinity\n')
    expect((await runDeed(deed, { tty })).out).toBe('\u001b[32mx\u001b[39m 100\n')
    expect((await runDeed(deed, { tty, env: { NO_COLOR: '1' } })).out).toBe('x 100\n')
    expect((await runDeed(deed, { tty }, ['--no-color'])).out).toBe('x 100\n')
  })

  it('reads stdin whole', async () => {
    const { out } = await runDeed(async terminal => terminal.write((await terminal.readStdin()).toString()), { stdin: 'añb' })
    expect(out).toBe('añb')
  })

  it('reads on no more of stdin once it is too much', async () => {
    const stdin = 'x'.repeat(200_000)
    const { out } = await runDeed(
      async terminal =>
        terminal.write(`${(await terminal.readStdin(10)).byteLength > 10} ${(await terminal.readStdin()).byteLength}`),
      { stdin },
    )
    expect(out).toMatch(/^true /)
  })

  it('asks for --yes off a terminal and takes it', async () => {
    const refused = await runDeed(terminal => terminal.confirm('delete tenant acme'))
    expect(refused).toMatchObject({
      exit: 2,
      err: 'error: to delete tenant acme needs a yes (CONFIRMATION_NEEDED)\n  try: the same command with --yes\n',
    })
    const agreed = await runDeed(async terminal => {
      terminal.settle({ ...DEFAULT_FLAGS, yes: true })
      await terminal.confirm('delete tenant acme')
    })
    expect(agreed.exit).toBe(0)
  })
})
