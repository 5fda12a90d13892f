import { Cluster, type ClusterNode, type ClusterOptions, type Redis } from 'ioredis'
import { endWhenSilent } from './silence.js'

/** How often a cluster is asked who has which keys: a node that was replaced is known this much later at the latest. */
const REFRESH_MS = 2_000

interface Waiting {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (why: Error) => void
}

/**
 * A cluster that is connected again whatever became of its nodes, and leaves nothing behind when it is closed. What ioredis (5.11) does not do:
 * its `connect` never settles when the cluster is down at the first attempt; a node that ends late takes the one that was made in its place out
 * of the pool, with its connection open; a late node brings a cluster that has ended back to `close`; its timer for the slots starts again
 * when it is closed during a refresh. BullMQ waits for the first and the third without end, the others keep a process from ending. And a node
 * whose host is gone without a word is waited for.
 */
export class SteadyCluster extends Cluster {
  private readonly made = new Set<Redis>()
  /** For everyone who waits until it is connected; null while nobody does. */
  private waiting: Waiting | null = null
  private refreshing: NodeJS.Timeout | undefined
  private ended = false

  constructor(
    private readonly firstNodes: readonly ClusterNode[],
    private readonly given: ClusterOptions,
  ) {
    super([...firstNodes], { ...given, lazyConnect: true })
    this.on('+node', (node: Redis) => {
      this.made.add(node)
      endWhenSilent(node)
      node.once('end', () => this.made.delete(node))
    })
    this.on('-node', () => this.dismissLost())
    this.on('ready', () => this.begin())
    this.on('end', () => {
      this.ended = true
    })
    this.on('close', () => {
      if (this.ended && this.status === 'close') this.status = 'end'
    })
    // Its errors are told by the event.
    this.connect().catch(() => {})
  }

  /** Resolves when the cluster is ready, at whichever attempt; rejects when an attempt finds no node, or it is closed meanwhile. */
  override connect(): Promise<void> {
    if (this.status === 'connecting' || this.status === 'connect' || this.status === 'ready') return super.connect()
    this.ended = false
    this.waiting ??= newWaiting()
    const { promise } = this.waiting
    super.connect().then(
      () => this.settle(({ resolve }) => resolve()),
      error => this.settle(({ reject }) => reject(error)),
    )
    return promise
  }

  override duplicate(nodes: ClusterNode[] = [], options: ClusterOptions = {}): Cluster {
    return new SteadyCluster(nodes.length > 0 ? nodes : this.firstNodes, { ...this.given, ...options })
  }

  override disconnect(reconnect = false): void {
    super.disconnect(reconnect)
    if (!reconnect) this.leave()
  }

  override async quit(): Promise<'OK'> {
    try {
      return await super.quit()
    } finally {
      this.leave()
    }
  }

  private begin(): void {
    this.ended = false
    this.settle(({ resolve }) => resolve())
    clearInterval(this.refreshing)
    this.refreshing = setInterval(() => {
      if (this.status === 'ready') this.refreshSlotsCache()
    }, REFRESH_MS).unref()
  }

  /** Those that the pool has lost end once what they were asked is answered. */
  private dismissLost(): void {
    const kept = new Set(this.nodes('all'))
    for (const node of this.made) if (!kept.has(node)) void node.quit().catch(() => {})
  }

  private leave(): void {
    clearInterval(this.refreshing)
    for (const node of this.made) node.disconnect()
    this.settle(({ reject }) => reject(new Error('Connection is closed.')))
  }

  private settle(end: (waiting: Waiting) => void): void {
    const { waiting } = this
    this.waiting = null
    if (waiting !== null) end(waiting)
  }
}

function newWaiting(): Waiting {
  let [resolve, reject]: [() => void, (why: Error) => void] = [() => {}, () => {}]
  const promise = new Promise<void>((...ends) => {
    ;[resolve, reject] = ends
  })
  return { promise, resolve, reject }
}
