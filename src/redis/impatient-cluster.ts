import type { Cluster, ClusterNode, ClusterOptions } from 'ioredis'
import { SteadyCluster } from './steady-cluster.js'

/**
 * A cluster whose commands fail when they are not answered in time. ioredis bounds the time a command takes on a node, and not that in which
 * it waits for a node to be found.
 */
export class ImpatientCluster extends SteadyCluster {
  constructor(
    nodes: readonly ClusterNode[],
    options: ClusterOptions,
    private readonly patienceMs: number,
  ) {
    super(nodes, options)
  }

  override sendCommand(...[command, ...rest]: Parameters<Cluster['sendCommand']>): unknown {
    command.setTimeout(this.patienceMs)
    return super.sendCommand(command, ...rest)
  }
}
