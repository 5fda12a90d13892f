import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CronExpressionParser } from 'cron-parser'
import { describe, expect, it } from 'vitest'
import { cronEvery, crontab, crontabBlock, withBlock } from '../../src/schedule/crontab.js'
import { temporaryFolder } from '../support/folders.js'

const INVOCATION = { node: '/usr/bin/node', bin: '/opt/feedctl/bin/feedctl.js', envFile: '/srv/feeds/.env', folder: '/srv/feeds' }
const CONFIG = { syncEveryS: 60, pruneAt: '30 3 * * *' }

/** The lines that begin something: pattern and command. */
const linesOf = (text: string) =>
  text
    .split('\n')
    .map(line => /^((?:\S+ ){4}\S+) (cd .*)$/.exec(line))
    .filter(found => found !== null)
    .map(([, pattern = '', command = '']) => ({ pattern, command }))

describe('the lines of a crontab', () => {
  it('begin the sync, the pruning and the removals by absolute paths, in the folder, with the env file', () => {
    expect(crontab(INVOCATION, CONFIG)).toBe(
      [
        '# feedctl begin',
        '# written by `feedctl schedule`; the times are those of this machine',
        '# feedctl in /srv/feeds, with /srv/feeds/.env',
        'PATH=/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        '* * * * * cd /srv/feeds && /usr/bin/node -- /opt/feedctl/bin/feedctl.js sync --all --quiet --env-file /srv/feeds/.env',
        '30 3 * * * cd /srv/feeds && /usr/bin/node -- /opt/feedctl/bin/feedctl.js feed prune --all --quiet --env-file /srv/feeds/.env',
        '30 3 * * * cd /srv/feeds && /usr/bin/node -- /opt/feedctl/bin/feedctl.js media prune --quiet --env-file /srv/feeds/.env',
        '30 3 * * * cd /srv/feeds && /usr/bin/node -- /opt/feedctl/bin/feedctl.js tenant delete --due --yes --quiet --env-file /srv/feeds/.env',
        '# feedctl end',
        '',
      ].join('\n'),
    )
    expect(crontabBlock(INVOCATION, CONFIG)).toBe(crontab(INVOCATION, CONFIG).replace(/^PATH=.*\n/m, ''))
  })

  it.each([
    1, 10, 59, 60, 61, 120, 300, 420, 3_599, 3_600, 5_400, 7_200, 18_000, 86_400,
  ])('begin at least every %i seconds, or every minute, in even steps', seconds => {
    const times = CronExpressionParser.parse(cronEvery(seconds), { currentDate: new Date(0), tz: 'UTC' }).take(60)
    const gaps = times.map((time, index) => time.getTime() - (times[index - 1]?.getTime() ?? 0)).slice(1)
    expect(new Set(gaps).size).toBe(1)
    expect(gaps[0]).toBeLessThanOrEqual(Math.max(60, seconds) * 1000)
    expect(gaps[0]).toBeGreaterThan(Math.max(60, seconds) * 500 - 1)
  })

  it('mean to a shell the very paths, whatever stands in them', () => {
    const folder = join(temporaryFolder(), "it's 100% $HOME `x` \\ and “more”")
    mkdirSync(folder)
    const bin = join(folder, 'print its words.js')
    writeFileSync(bin, 'console.log(JSON.stringify([process.cwd(), ...process.argv.slice(1)]))')
    const invocation = { node: process.execPath, bin, envFile: join(folder, '.env'), folder }
    const [{ command } = { command: '' }] = linesOf(crontab(invocation, CONFIG))
    expect(command).not.toMatch(/(?<!\\)%/)
    const words = JSON.parse(execFileSync('/bin/sh', ['-c', command.replaceAll('\\%', '%')], { encoding: 'utf8' }))
    expect(words).toEqual([folder, bin, 'sync', '--all', '--quiet', '--env-file', join(folder, '.env')])
  })

  it('have one line each, however the pattern is written', () => {
    const lines = linesOf(crontab(INVOCATION, { syncEveryS: 60, pruneAt: ' 0\n4 * *\t1-5 ' }))
    expect(lines.map(line => line.pattern)).toEqual(['* * * * *', '0 4 * * 1-5', '0 4 * * 1-5', '0 4 * * 1-5'])
    for (const { pattern } of lines) expect(CronExpressionParser.parse(pattern).hasNext()).toBe(true)
    expect(() => crontab(INVOCATION, { syncEveryS: 60, pruneAt: '0 4 L * *' })).toThrow('is no cron pattern')
  })
})

describe('the block in a crontab', () => {
  const block = crontabBlock(INVOCATION, CONFIG)
  const newer = crontabBlock(INVOCATION, { ...CONFIG, pruneAt: '0 5 * * *' })
  const odd = '# mine\r\nMAILTO=a@example.com\n\n*/5 * * * * echo "\xff\x80 % \\%"\n\t# feedctl begins here\n'

  it.each<[string, string, string, string]>([
    ['an empty one', '', '', ''],
    ['one with lines', odd, odd, ''],
    ['one without a line end', 'a b c d e f', 'a b c d e f\n', ''],
  ])('goes to the end of %s, is replaced in its place, and leaves it as it was', (_what, text, before) => {
    const first = withBlock(text, block)
    expect(first).toBe(before + block)
    expect(withBlock(first, block)).toBe(first)
    const later = `${first}${odd}`
    expect(withBlock(later, newer)).toBe(before + newer + odd)
    expect(withBlock(later, null)).toBe(before + odd)
    expect(withBlock(text, null)).toBe(text)
  })

  it.each([
    '# feedctl begin\n',
    'x\n# feedctl end\n',
    '# feedctl end\n# feedctl begin\n',
    `${block}${block}`,
  ])('is not touched when it is not whole: %j', text => {
    expect(() => withBlock(text, block)).toThrow('no whole block')
    expect(() => withBlock(text, null)).toThrow('no whole block')
  })
})
