import { Counter, type Registry } from 'prom-client'
import type { Hosts } from '../tenants/hosts/hosts.js'

/** Shows in the registry how many statements this process has sent to the database hosts that it has open, together. */
export function showStatements(registry: Registry, hosts: Hosts): void {
  new Counter({
    name: 'feedctl_database_statements_total',
    help: 'Statements that were sent to the database hosts, those that begin and end transactions among them.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(hosts.opened().reduce((sum, { server }) => sum + server.statements, 0))
    },
  })
}
