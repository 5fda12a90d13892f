import type { Command } from '@commander-js/extra-typings'
import type { Io, Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import type { HostStanding } from '../../src/tenants/hosts/standing.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { hostView } from './view.js'

export function registerList(host: Command, io: Io): void {
  const command = host
    .command('list')
    .description('list the database hosts: how full they are, and whether they answer')
    .action(async () => {
      await using app = await opening(io)
      const { hostStandings } = await import('../../src/tenants/hosts/standing.js')
      const hosts = await hostStandings(app.catalog, app.config)
      io.print({ hosts: hosts.map(standingView) }, (_, style) => listWords(hosts, style))
    })
  examples(command, ['feedctl host list', 'feedctl host list --json'])
}

function standingView(host: HostStanding) {
  const { tenants, databases, leased, processes, answers, why } = host
  return { ...hostView(host), tenants, databases, connections: { budget: host.maxConnections, leased, processes }, answers, why }
}

function listWords(hosts: readonly HostStanding[], style: Style): string {
  const rows = table(
    hosts,
    [
      { title: 'NAME', cell: host => host.name },
      {
        title: 'STATE',
        cell: host => (host.answers ? host.state : 'away'),
        paint: (text, host) =>
          host.answers ? (host.state === 'open' ? style.green(text) : style.yellow(text)) : style.red(text),
      },
      ...(hosts.some(host => host.region !== null) ? [{ title: 'REGION', cell: regionOf }] : []),
      { title: 'TENANTS', cell: host => outOf(host.tenants, host.maxTenants), right: true },
      { title: 'DATABASES', cell: host => host.databases },
      { title: 'WEIGHT', cell: host => host.weight },
      {
        title: 'CONNECTIONS',
        cell: host => (host.maxConnections === null ? null : outOf(host.leased, host.maxConnections)),
        right: true,
      },
      { title: 'ADDRESS', cell: host => host.address },
      { title: 'READS', cell: host => host.readAddress },
    ],
    style,
  )
  const away = hosts.filter(host => !host.answers).map(host => `${host.name}: ${host.why}`)
  return [rows.trimEnd(), ...away].join('\n')
}

function regionOf({ region }: HostStanding): string | null {
  return region
}

/** `12` or `12/100` */
function outOf(count: number, most: number | null): string {
  return most === null ? String(count) : `${count}/${most}`
}
