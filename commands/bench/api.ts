import { type Command, Option } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import type { Phase } from '../../src/watch/phases.js'
import { settingsOf } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { listed, measureUrl, type UrlFlags } from './api-url.js'
import { ALONE, runScenario, scenarioCommand } from './scenario.js'

export function registerApi(bench: Command, io: Io): void {
  const command = scenarioCommand(
    bench,
    'api',
    'measure a real `feedctl serve` beside a bare server of the same bytes, with many users, and without its cache; or any HTTP API',
  )
    .option('--tenants <n>', 'tenants who ask', wholeNumber(1, 10_000), 20)
    .option('--connections <n>', 'users who ask at once; from 5,000 on: connections held open', wholeNumber(1, 250_000), 1_000)
    .option('--rate <n>', 'requests per second of the open loop', wholeNumber(1, 1_000_000), 3_000)
    .option('--goal-ms <n>', 'the p99 that users, and requests at a rate, are to keep to', wholeNumber(1, 60_000), 150)
    .option('--no-search', 'leave out the search for the highest rate at that goal')
    .option('--scaling', 'also 1, 2, 3, 4, 6 and 8 processes, and the law that they follow')
    .option('--workers <n>', 'processes of the API (default: 1, or 2 where connections are held)', wholeNumber(1, 64))
    .option('--nginx', 'three processes behind nginx beside one, too')
    .option('--duration <s>', 'how long each figure is measured, seconds', wholeNumber(1, 3_600), 10)
    .option('--repeat <n>', 'whole rounds', wholeNumber(1, 100), 3)
    .addOption(
      new Option(
        '--url <url>',
        'ask this instead, by GET, feedctl or not; again for more of the same server, which is put under load (--connections 50, --rate only if told)',
      ).argParser(listed),
    )
    .addOption(new Option('--header <line>', 'with --url: `Name: value`, again for more').argParser(listed))
    .option('--header-file <file>', 'with --url: such lines, for what is secret')
    .action((given, self) => {
      const scenario = { scenario: 'api', hint: ALONE } as const
      const { url } = given
      if (url === undefined) return runScenario(io, self, scenario, given, own => measureOwn(io, own))
      const isTold = (name: string) => given.phase !== undefined || self.getOptionValueSource(name) === 'cli'
      return runScenario(io, self, scenario, given, own => measureUrl(io, { ...own, url }, isTold))
    })
  examples(command, [
    'feedctl bench api',
    'DB_CONNECTION=mysql CACHE_DRIVER=redis feedctl bench api --phase scale --scaling --assert --json',
    'feedctl bench api --connections 25000 --workers 2',
    'feedctl bench api --url https://api.example/v1/posts --header-file token.txt --connections 20 --goal-ms 300',
  ])
}

interface OwnFlags extends Pick<UrlFlags, 'header' | 'headerFile'> {
  readonly tenants: number
  readonly connections: number
  readonly rate: number
  readonly goalMs: number
  readonly search: boolean
  readonly scaling?: true | undefined
  readonly workers?: number | undefined
  readonly nginx?: true | undefined
  readonly phase?: Phase | undefined
  readonly duration: number
  readonly repeat: number
}

/** @throws {Failure} USAGE for headers where no URL is asked */
async function measureOwn(io: Io, flags: OwnFlags) {
  if (flags.header !== undefined || flags.headerFile !== undefined) {
    throw new Failure('USAGE', 'headers are sent to a URL', { hint: '--url http://127.0.0.1:8080/v1/posts' })
  }
  const [{ benchApi }, { HELD_FROM }, { asText }] = await Promise.all([
    import('../../src/bench/api/bench.js'),
    import('../../src/bench/api/load.js'),
    import('./api-text.js'),
  ])
  const { tenants, connections, rate, goalMs, search, duration, repeat, phase = null } = flags
  const { workers = connections < HELD_FROM ? 1 : 2, nginx = false, scaling = false } = flags
  const load = { tenants, connections, rate, goalMs, search, duration, repeat, phase, workers, nginx, scaling }
  const { env, signal } = io
  const result = await benchApi({ operator: settingsOf(io), env, load, watcher: io, signal })
  return { result, asText }
}
