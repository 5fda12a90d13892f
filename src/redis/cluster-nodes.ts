import type { Config } from '../kernel/config.js'
import { Failure } from '../kernel/errors.js'

/** Where a Redis server listens. */
export interface NodeAddress {
  readonly host: string
  readonly port: number
}

const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9][A-Za-z0-9._-]*)):(\d{1,5})$/

/** The nodes that REDIS_CLUSTER_NODES names; none where there is one Redis only. @throws {Failure} CONFIG_INVALID naming every entry that is no `host:port` */
export function clusterNodes(config: Pick<Config, 'redisClusterNodes'>): readonly NodeAddress[] {
  const read = config.redisClusterNodes.map(text => ({ text, node: addressIn(text) }))
  const mistakes = read.filter(({ node }) => node === null)
  if (mistakes.length > 0) {
    const named = mistakes.map(({ text }) => JSON.stringify(text.replace(/^.*@/, '***@'))).join(', ')
    throw new Failure('CONFIG_INVALID', `REDIS_CLUSTER_NODES: ${named} is not host:port`, {
      hint: 'REDIS_CLUSTER_NODES=10.0.0.1:6379,10.0.0.2:6379 and REDIS_PASSWORD',
    })
  }
  return read.flatMap(({ node }) => node ?? [])
}

/** `host:port`, the host of an IPv6 address in brackets. */
export function addressWords({ host, port }: NodeAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function addressIn(text: string): NodeAddress | null {
  const [, bracketed, plain, digits] = ADDRESS.exec(text) ?? []
  const [host, port] = [bracketed ?? plain, Number(digits)]
  return host === undefined || !(port >= 1 && port <= 65_535) ? null : { host, port }
}
