import { throughputOf } from '../bench/model/law.js'
import type { StoredBench } from '../bench/results/stored.js'
import { grouped } from './words.js'

export type StoredModel = NonNullable<StoredBench['model']>

/** How many processes a rate needs, by the model that a benchmark fitted. */
export interface Processes {
  readonly perS: number
  /** Null where no number of them is said to do it. */
  readonly needed: number | null
  /** Why it is null. */
  readonly why: string | null
  readonly bottleneck: StoredModel['bottleneck']
  /** What the bottleneck is, and what to do about it. */
  readonly words: string
}

/** The least number of processes of which the model says that they do so much; nothing is said of more than `most_processes` of them. */
export function processesFor(perS: number, model: StoredModel): Processes {
  const { bottleneck, knee } = model
  const known = { perS, bottleneck, words: bottleneckWords(model) }
  const most = Math.max(1, Math.floor(model.most_processes))
  let best = { processes: 1, perS: 0 }
  for (let processes = 1; processes <= most; processes++) {
    const rate = throughputOf(model, processes)
    if (rate >= perS) return { ...known, needed: processes, why: null }
    if (rate > best.perS) best = { processes, perS: rate }
  }
  const reach = `${best.processes} processes do ${grouped(Math.floor(best.perS))} a second`
  const why =
    knee !== null && knee < most
      ? `${reach}, and more of them do less`
      : `${reach}; of more than ${most}, three times what was measured, nothing is said`
  return { ...known, needed: null, why }
}

function bottleneckWords({ bottleneck, sigma, knee }: StoredModel): string {
  switch (bottleneck) {
    case 'contention':
      return `contention: ${percent(sigma)} of the work waits for something that all processes share, most often the database. Take work off it (CACHE_DRIVER=redis, DB_READ_HOST, further hosts) before adding processes.`
    case 'coherency': {
      const bound = knee === null ? '' : ` More than ${Math.floor(knee)} on one machine do less.`
      return `coherency: processes wait for each other, and for the same cores.${bound} Add machines, each with its part of the work, instead of processes.`
    }
    case 'none':
      return 'none was found: throughput grows with processes as far as was measured. Add processes: feedctl serve --workers auto.'
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}
