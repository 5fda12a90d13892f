import { Checker } from '../api/expectations.js'
import { Latencies } from '../api/latencies.js'
import type { RepeatCounts, ThreadStrain } from './order.js'

/** What is counted of the requests of one thread that are due in one repeat, or in the warm-up. */
export class Repeat {
  readonly checker = new Checker()
  readonly latencies = new Latencies()
  readonly answering = new Latencies()
  readonly lateness = new Latencies()
  came = 0
  waited = 0
  strain: ThreadStrain = { loopShare: 0, cpuShare: null }

  counts(): RepeatCounts {
    const { came, waited, strain } = this
    return {
      tally: this.checker.tally(),
      latencies: this.latencies.counts(),
      answering: this.answering.counts(),
      lateness: this.lateness.counts(),
      ...{ came, waited, strain },
    }
  }
}
