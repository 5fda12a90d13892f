import type { Catalog } from '../../src/tenants/catalog.js'
import type { DatabaseServer } from '../../src/tenants/databases/index.js'

/** The server with some of its deeds done in another way. */
export function serverWith(server: DatabaseServer, other: Partial<DatabaseServer>): DatabaseServer {
  return new Proxy(server, {
    get: (target, key) => {
      const changed = Reflect.get(other, key)
      const value = changed ?? Reflect.get(target, key, target)
      return typeof value === 'function' && changed === undefined ? value.bind(target) : value
    },
  })
}

/** The catalog, all of whose tenants are on this server. */
export function onServer(catalog: Catalog, server: DatabaseServer): Catalog {
  return { ...catalog, hosts: { ...catalog.hosts, serverOf: async () => server } }
}
