import { Counter, type Registry } from 'prom-client'
import type { DatabaseServer } from '../tenants/databases/index.js'

/** Shows in the registry how many statements this process has sent to the database host. */
export function showStatements(registry: Registry, server: DatabaseServer): void {
  new Counter({
    name: 'feedctl_database_statements_total',
    help: 'Statements that were sent to the database host, those that begin and end transactions among them.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(server.statements)
    },
  })
}
