import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { findFreePort, findProgram, Server } from './server.js'

const SLOTS = 16_384
/** What a cluster adds to a node's port for the one that nodes speak to each other on. */
const BUS_OFFSET = 10_000
/** A node that is not heard of for this long counts as gone. */
const NODE_TIMEOUT_MS = 3_000
const STATE_TIMEOUT_MS = 60_000
const START_ATTEMPTS = 5

type Slots = readonly [first: number, last: number]

/** A node of a cluster: a private Redis that keeps its slots and keys over a stop and a start. */
class ClusterNode extends Server {
  /** The slots it serves; null before it has any. */
  slots: Slots | null = null

  private constructor(
    folder: string,
    command: readonly [string, ...string[]],
    readonly port: number,
    private readonly password: string,
  ) {
    super({ folder, command, answers: () => this.ask(async client => void (await client.ping())) })
  }

  /** An empty one that answers, and knows nobody. */
  static async create(password: string): Promise<ClusterNode> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ClusterNode.createOnce(password)
      } catch (error) {
        // Of two ports that were free, another server may have taken one meanwhile.
        if (attempt === START_ATTEMPTS) throw error
      }
    }
  }

  private static async createOnce(password: string): Promise<ClusterNode> {
    const program = findProgram(['redis-server'], 'redis-server')
    const folder = await mkdtemp(join(tmpdir(), 'feedctl-redis-cluster-'))
    try {
      const port = await findFreePort(BUS_OFFSET)
      const file = join(folder, 'redis.conf')
      await writeFile(file, settings({ folder, port, password }), { mode: 0o600 })
      const node = new ClusterNode(folder, [program, file], port, password)
      await node.start()
      return node
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Runs the deed with a client of this node alone. */
  async ask<T>(deed: (client: Redis) => Promise<T>): Promise<T> {
    const options = { lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0, enableReadyCheck: false }
    const client = new Redis({ port: this.port, password: this.password, ...options })
    client.on('error', () => {})
    try {
      await client.connect()
      return await deed(client)
    } finally {
      client.disconnect()
    }
  }

  id(): Promise<string> {
    return this.ask(async client => String(await client.cluster('MYID')))
  }

  /** What it says of the cluster; nothing when it does not answer. */
  state(): Promise<string> {
    return this.ask(async client => String(await client.cluster('INFO'))).catch(() => '')
  }
}

/** A private Redis Cluster of three masters without replicas. Keys live and die with it. */
export class RedisCluster implements AsyncDisposable {
  readonly password = randomBytes(18).toString('hex')
  private readonly nodes: ClusterNode[] = []
  private readonly gone: ClusterNode[] = []
  private epoch = 0
  private first: readonly string[] = []

  /** One that serves every slot. */
  static async create(): Promise<RedisCluster> {
    const cluster = new RedisCluster()
    try {
      const started = await Promise.allSettled([1, 2, 3].map(() => ClusterNode.create(cluster.password)))
      for (const node of started) if (node.status === 'fulfilled') cluster.nodes.push(node.value)
      for (const node of started) if (node.status === 'rejected') throw node.reason
      const share = Math.ceil(SLOTS / cluster.nodes.length)
      for (const [index, node] of cluster.nodes.entries())
        await cluster.give(node, [index * share, Math.min(SLOTS, (index + 1) * share) - 1])
      cluster.first = cluster.nodes.map(node => node.address)
      await cluster.untilWhole()
      return cluster
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
  }

  /** The settings that lead feedctl there: the nodes it began with. */
  get env(): Readonly<Record<string, string>> {
    return { REDIS_CLUSTER_NODES: this.first.join(','), REDIS_PASSWORD: this.password }
  }

  /** The node that serves the key (`true`), or one that does not. */
  async nodeOf(key: string, serves = true): Promise<ClusterNode> {
    const [any] = this.nodes
    const slot = Number(await any?.ask(client => client.cluster('KEYSLOT', key)))
    const found = this.nodes.find(({ slots }) => slots !== null && (slots[0] <= slot && slot <= slots[1]) === serves)
    if (found === undefined) throw new Error(`no node for slot ${slot}`)
    return found
  }

  /** Keys of all nodes, sorted. */
  async keys(): Promise<string[]> {
    return (await Promise.all(this.nodes.map(node => node.ask(client => client.keys('*'))))).flat().sort()
  }

  /** Kills the node, and has an empty one on another port take over its slots. */
  async replace(dead: ClusterNode): Promise<void> {
    const deadId = await dead.id()
    await dead.kill()
    const living = this.nodes.filter(node => node !== dead)
    const heir = await ClusterNode.create(this.password)
    this.nodes.splice(this.nodes.indexOf(dead), 1, heir)
    this.gone.push(dead)
    for (const node of living) await node.ask(client => client.cluster('FORGET', deadId))
    if (dead.slots !== null) await this.give(heir, dead.slots)
    await this.untilWhole()
  }

  /** Makes the nodes known to each other, and returns when every one finds every slot served. */
  async untilWhole(): Promise<void> {
    const isWhole = (state: string) => state.includes('cluster_state:ok') && state.includes(`cluster_slots_ok:${SLOTS}`)
    let metAt = Number.NEGATIVE_INFINITY
    await until('whole', this.nodes, isWhole, async () => {
      // A handshake that takes longer than the time of a node is given up; to meet who is known changes nothing.
      if (Date.now() - metAt < NODE_TIMEOUT_MS) return
      metAt = Date.now()
      await this.meet()
    })
  }

  /** Returns when every node but this one, which was killed, takes no commands any more. */
  untilDown(killed: ClusterNode): Promise<void> {
    const others = this.nodes.filter(node => node !== killed)
    return until('down', others, state => state.includes('cluster_state:fail'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.nodes, ...this.gone].map(node => node.dispose()))
  }

  private async give(node: ClusterNode, slots: Slots): Promise<void> {
    // An epoch of its own for each: two nodes of the same would have to settle who is right.
    this.epoch++
    const all = Array.from({ length: slots[1] - slots[0] + 1 }, (_, index) => slots[0] + index)
    await node.ask(async client => {
      await client.cluster('SET-CONFIG-EPOCH', this.epoch)
      await client.cluster('ADDSLOTS', ...all)
    })
    node.slots = slots
  }

  /** Has the first node seek out the others; in vain when it does not answer. */
  private async meet(): Promise<void> {
    const [host, ...guests] = this.nodes
    await host
      ?.ask(async client => {
        for (const guest of guests) await client.cluster('MEET', '127.0.0.1', guest.port)
      })
      .catch(() => {})
  }
}

async function until(
  what: string,
  nodes: readonly ClusterNode[],
  holds: (state: string) => boolean,
  meanwhile?: () => Promise<void>,
): Promise<void> {
  const deadline = Date.now() + STATE_TIMEOUT_MS
  for (;;) {
    const states = await Promise.all(nodes.map(node => node.state()))
    if (states.every(holds)) return
    if (Date.now() > deadline) throw new Error(`the cluster is not ${what} after ${STATE_TIMEOUT_MS} ms: ${states.join()}`)
    await meanwhile?.()
    await pause(50)
  }
}

function settings(place: { folder: string; port: number; password: string }): string {
  return [
    `dir ${place.folder}`,
    `port ${place.port}`,
    'bind 127.0.0.1',
    `requirepass ${place.password}`,
    'daemonize no',
    'cluster-enabled yes',
    'cluster-config-file nodes.conf',
    `cluster-node-timeout ${NODE_TIMEOUT_MS}`,
    'appendonly yes',
    'save ""',
    'maxmemory-policy noeviction',
  ].join('\n')
}
