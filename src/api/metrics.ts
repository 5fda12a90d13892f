import { Counter, Histogram, Registry } from 'prom-client'

/** What a process of the API counts for `/metrics`. */
export class ApiMetrics {
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
  })
  readonly events = new Counter({
    name: 'feedctl_api_events_total',
    help: 'Analytics events by what became of them: accepted, refused, behind.',
    labelNames: ['outcome'] as const,
    registers: [this.registry],
  })
}
