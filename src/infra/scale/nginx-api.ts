import type { Deployment } from '../description/schema.js'
import type { Directive } from './nginx-directives.js'

/** Seconds of a year; what feedctl itself says to who comes by https, and what nginx's own answers say. */
const HSTS = 'add_header Strict-Transport-Security max-age=31536000 always'

/** Who reads the figures asks feedctl itself. */
export function metricsLocation(): Directive {
  return ['location = /metrics', ['return 404']]
}

/** The same as in docs/nginx-api.conf, with bounds for a client. */
export function apiLocations({ scale }: Deployment): Directive[] {
  const { client_rate: rate } = scale.balancer
  return [
    [
      'location /',
      [
        ...(rate === null ? [] : [`limit_req zone=feedctl_rate burst=${rate * 2} nodelay`, 'limit_req_status 429']),
        'proxy_pass http://feedctl_api',
        'proxy_http_version 1.1',
        'proxy_set_header Connection ""',
        'proxy_set_header Host $host',
        'proxy_set_header X-Request-Id $request_id',
        // What the client itself claims is dropped.
        'proxy_set_header X-Forwarded-For $remote_addr',
        `proxy_set_header X-Forwarded-Proto ${scale.balancer.tls === null ? '$feedctl_proto' : '$scheme'}`,
        'proxy_set_header X-Forwarded-Host ""',
        'proxy_set_header Forwarded ""',
        'proxy_connect_timeout 2s',
        'proxy_read_timeout 60s',
        'proxy_next_upstream error timeout',
        'proxy_next_upstream_tries 3',
        'proxy_next_upstream_timeout 10s',
        'proxy_max_temp_file_size 0',
        'error_page 502 504 = @feedctl_away',
        'error_page 413 = @feedctl_too_large',
        'error_page 429 = @feedctl_limited',
      ],
    ],
  ]
}

/** What nginx itself refuses has the shape of every problem of the API. */
export function refusalLocations({ scale }: Deployment): Directive[] {
  const hsts = scale.balancer.tls === null ? [] : [HSTS]
  return [
    refusal('feedctl_away', hsts, {
      retryAfterS: 2,
      answer: { name: 'unavailable', title: 'Unavailable', status: 503, detail: 'not now: try again later', code: 'UNAVAILABLE' },
    }),
    refusal('feedctl_too_large', hsts, {
      retryAfterS: null,
      answer: {
        name: 'body-too-large',
        title: 'Body too large',
        status: 413,
        detail: 'the body is larger than is taken here',
        code: 'BODY_TOO_LARGE',
      },
    }),
    refusal('feedctl_limited', hsts, {
      retryAfterS: 1,
      answer: {
        name: 'rate-limited',
        title: 'Rate limited',
        status: 429,
        detail: 'too many requests of one address: try again later',
        code: 'RATE_LIMITED',
      },
    }),
  ]
}

interface Refusal {
  readonly retryAfterS: number | null
  readonly answer: {
    readonly name: string
    readonly title: string
    readonly status: number
    readonly detail: string
    readonly code: string
  }
}

function refusal(location: string, hsts: readonly string[], { retryAfterS, answer }: Refusal): Directive {
  const { name, title, status, detail, code } = answer
  const problem = { type: `urn:feedctl:problem:${name}`, title, status, detail, code, hint: null, request_id: '$request_id' }
  return [
    `location @${location}`,
    [
      'default_type application/problem+json',
      'add_header X-Request-Id $request_id always',
      ...(retryAfterS === null ? [] : [`add_header Retry-After ${retryAfterS} always`]),
      'add_header Cache-Control no-store always',
      ...hsts,
      `return ${status} '${JSON.stringify(problem)}'`,
    ],
  ]
}
