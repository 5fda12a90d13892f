import type { Worker } from 'node:cluster'

/** What the processes of a cluster say to each other beside our own messages, as far as it is looked at here (Node 20). */
interface NodeMessage {
  readonly cmd?: string
  readonly act?: string
  readonly seq?: number
  readonly ack?: number
}

/** The connection, in the process that has accepted it. */
interface Handle {
  close(): void
}

/**
 * Connections on their way to workers. Node hands each to a worker, and waits for its word that it has it: of a worker that ends before, Node keeps
 * the connection open for ever, and the client waits. Here another worker gets it; where none is left it is closed.
 */
export class Handovers {
  private readonly listening = new Set<Worker>()

  watch(worker: Worker): void {
    const { process } = worker
    const untaken = new Map<number, Handle>()
    // A process that could not be forked at all has none.
    const send = process.send?.bind(process) as (...given: unknown[]) => boolean
    process.send = (...given: unknown[]) => {
      const [{ cmd, act, seq }, handle] = given as [NodeMessage, Handle | undefined]
      if (cmd === 'NODE_CLUSTER' && act === 'newconn' && seq !== undefined && handle) untaken.set(seq, handle)
      return send(...given)
    }
    process.on('internalMessage', ({ act, ack }: NodeMessage) => {
      if (ack !== undefined) untaken.delete(ack)
      else if (act === 'close') this.listening.delete(worker)
    })
    worker.once('listening', () => this.listening.add(worker))
    // Of a process that has ended, when all that it has said is heard.
    process.once('close', () => {
      this.listening.delete(worker)
      // Node would wait for its word before it tells of that.
      if (untaken.size > 0) process.emit('disconnect')
      for (const [seq, handle] of untaken) {
        if (this.listening.size === 0) handle.close()
        // What it would have said, had it known that it ends.
        else process.emit('internalMessage' as never, { cmd: 'NODE_CLUSTER', ack: seq, accepted: false } as never)
      }
    })
  }
}
