import type { Command } from '@commander-js/extra-typings'
import type { ProbeReport } from '../../src/api/probe/probe.js'
import { counted, duration } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import { opening } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { removing } from './removing.js'

const MOST_SHOWN = 20
const LEAK_HINT = 'feedctl tenant probe --keep --json: each place in full, and the tenants stay there to be asked'

type Printed = Omit<ProbeReport, 'unremoved'> & { readonly unremoved: string | null; readonly durationMs: number }

interface ProbeFlags {
  url?: string
  count: number
  keep?: true
}

export function registerProbe(tenant: Command, io: Io): void {
  const command = tenant
    .command('probe')
    .description('make a few tenants, look for what one can see of another, and remove them')
    .option('--url <url>', 'ask this running API of the same installation (default: one of its own)')
    .option('--count <n>', 'tenants in each kind of placement on each host', wholeNumber(1, 10), 2)
    .option('--keep', 'leave the tenants there; the next probe removes them')
    .action(flags => probe(io, flags))
  examples(command, [
    'feedctl tenant probe',
    'feedctl tenant probe --url https://api.example.com',
    'feedctl tenant probe --quiet --url http://127.0.0.1:8080   # for cron: says nothing unless there is a leak',
  ])
}

async function probe(io: Io, { url, count, keep }: ProbeFlags): Promise<void> {
  const begun = performance.now()
  const origin = url === undefined ? null : originOf(url)
  await using app = await opening(io)
  const { probeForLeaks } = await import('../../src/api/probe/probe.js')
  const progress = io.progress('pairs')
  let total = 0
  const report = await probeForLeaks(
    app,
    { url: origin, count, keep: keep === true },
    {
      remove: await removing(app, 'tenant probe'),
      signal: io.signal,
      progress: (pairs, all) => {
        if (total !== all) progress.start(all)
        total = all
        progress.update(pairs)
      },
    },
  )
  progress.stop()
  const { leaks, blind, unremoved } = report
  const result = { ...report, unremoved: unremoved?.message ?? null, durationMs: Math.round(performance.now() - begun) }
  io.print(result, value => words(value))
  if (leaks.length > 0) throw new Failure('CHECK_FAILED', `${counted(leaks.length, 'leak')} between tenants`, { hint: LEAK_HINT })
  if (blind.length > 0)
    throw new Failure('CHECK_FAILED', `the probe did not see what it put there itself: ${blind[0]}`, {
      hint: '--url of an API of this installation, with the same settings',
    })
  if (unremoved !== null) throw unremoved
}

function words(report: Printed): string {
  const { tenants, pairs, routes, looks, leaks, unlooked, unremoved, durationMs } = report
  const looked = Object.entries(looks).map(([kind, times]) => `${times} ${kind}`)
  const lines = leaks.slice(0, MOST_SHOWN).map(leak => `  ${leak.where}: ${leak.reader} saw ${leak.owner}: ${leak.what}`)
  if (leaks.length > MOST_SHOWN) lines.push(`  and ${leaks.length - MOST_SHOWN} more: --json has them all`)
  return [
    `${counted(tenants.length, 'tenant')}, ${counted(pairs, 'pair')}, ${counted(routes, 'route')}, in ${duration(durationMs)}: ${looked.join(', ')}`,
    ...(leaks.length === 0 ? ['nobody saw anything of another'] : lines),
    ...unlooked.map(what => `not looked at: ${what}`),
    ...(unremoved === null ? [] : [`not removed, until the next probe: ${unremoved}`]),
  ].join('\n')
}

/** @throws {Failure} USAGE */
function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url !== null && /^https?:$/.test(url.protocol)) {
    if (url.pathname === '/' && url.search === '' && url.hash === '') return url.origin
    throw new Failure('USAGE', `--url takes no path: routes are asked at ${url.origin}/v1/...`, { hint: `--url ${url.origin}` })
  }
  throw new Failure('USAGE', `--url ${JSON.stringify(text.slice(0, 100))} is no http(s) URL`, {
    hint: '--url https://api.example.com',
  })
}
