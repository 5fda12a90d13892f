import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { AnswerTally } from './answers/tally.js'

/** What a process of the API counts for `/metrics`. */
export class ApiMetrics {
  private tally: AnswerTally | null = null
  private told = { whole: 0, unchanged: 0 }
  readonly registry = new Registry()
  readonly requests = new Counter({
    name: 'feedctl_api_requests_total',
    help: 'Requests that were answered, by status.',
    labelNames: ['status'] as const,
    registers: [this.registry],
  })
  readonly seconds = new Histogram({
    name: 'feedctl_api_request_seconds',
    help: 'How long requests took that were not answered from ready answers, by route.',
    labelNames: ['route'] as const,
    registers: [this.registry],
  })
  readonly answers = new Counter({
    name: 'feedctl_api_answers_total',
    help: 'Answers by where they came from: near (this process), far (shared), built (database), stale (kept, the database is away).',
    labelNames: ['from'] as const,
    registers: [this.registry],
    collect: () => this.collectAnswers(),
  })
  readonly answersKept = new Gauge({
    name: 'feedctl_api_answers_kept',
    help: 'Answers that are kept ready to send in this process.',
    registers: [this.registry],
  })
  readonly answersKeptBytes = new Gauge({
    name: 'feedctl_api_answers_kept_bytes',
    help: 'Bytes of the answers that are kept ready to send in this process.',
    registers: [this.registry],
  })
  readonly answersHitRatio = new Gauge({
    name: 'feedctl_api_answers_hit_ratio',
    help: 'Share of the answers that the database was not asked for, 0 to 1.',
    registers: [this.registry],
  })
  readonly events = new Counter({
    name: 'feedctl_api_events_total',
    help: 'Analytics events by what became of them: accepted, refused, behind.',
    labelNames: ['outcome'] as const,
    registers: [this.registry],
  })

  /** Ready answers are counted in plain numbers, and read when somebody asks for the metrics. */
  countAnswers(tally: AnswerTally): void {
    this.tally = tally
  }

  private collectAnswers(): void {
    const tally = this.tally
    const told = this.told
    if (tally === null) return
    this.answers.reset()
    for (const [from, count] of Object.entries(tally.from)) this.answers.inc({ from }, count)
    this.requests.inc({ status: '200' }, tally.lane - told.whole)
    this.requests.inc({ status: '304' }, tally.laneUnchanged - told.unchanged)
    this.told = { whole: tally.lane, unchanged: tally.laneUnchanged }
    this.answersKept.set(tally.entries)
    this.answersKeptBytes.set(tally.bytes)
    this.answersHitRatio.set(tally.hitRatio)
  }
}
