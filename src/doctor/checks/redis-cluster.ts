import { connectionWords } from '../../kernel/connection-words.js'
import { addressWords, clusterNodes } from '../../redis/cluster-nodes.js'
import { openNode } from '../../redis/connection.js'
import { type Check, fail, ok, onRedis, type Verdict } from '../check.js'
import type { Parts } from '../parts.js'
import { some } from '../words.js'

const SLOTS = 16_384

/** What one node says of the cluster; or why it does not. */
export type NodeView = { readonly node: string } & ({ readonly info: string } | { readonly why: string })

export const redisCluster: Check = {
  id: 'redis.cluster',
  applies: config => onRedis(config) && config.redisClusterNodes.length > 0,
  blind: 'fail',
  // Node by node: a cluster that is down lets nobody ask it as a whole.
  run: async parts => judgeCluster(await Promise.all(clusterNodes(parts.config).map(node => viewOf(parts, node)))),
}

/** Nodes that do not answer may have been replaced: what counts is what the others say. */
export function judgeCluster(views: readonly NodeView[]): Verdict {
  const silent = views.flatMap(view => ('why' in view ? [`${view.node} (${view.why})`] : []))
  const gone = silent.length === 0 ? '' : `; of REDIS_CLUSTER_NODES ${some(silent)} does not answer`
  const answers = views.flatMap(view => ('info' in view ? [view] : []))
  if (answers.length === 0) return fail(`no node answers: ${some(silent)}`, 'check REDIS_CLUSTER_NODES, and that the nodes run')
  for (const { node, info } of answers) {
    const value = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? ''
    const [state, served] = [value('cluster_state'), Number(value('cluster_slots_ok'))]
    if (state !== 'ok' || served < SLOTS) {
      return fail(
        `${node} finds the cluster ${state === 'ok' ? 'ok' : 'down'}, ${served} of ${SLOTS} slots served${gone}`,
        'start the node that is missing, or redis-cli --cluster fix',
      )
    }
  }
  const evidence = `all ${SLOTS} slots served, as ${some(answers.map(({ node }) => node))} find${gone}`
  return silent.length === 0 ? ok(evidence) : { severity: 'warn', evidence, fix: 'name the living nodes in REDIS_CLUSTER_NODES' }
}

async function viewOf(parts: Parts, address: { host: string; port: number }): Promise<NodeView> {
  const node = addressWords(address)
  const client = openNode(parts.config, address, parts.log)
  const why = connectionWords(client)
  try {
    return { node, info: String(await client.cluster('INFO')) }
  } catch (error) {
    return { node, why: why(error) }
  } finally {
    client.disconnect()
  }
}
