import type { Deployment, Media } from '../description/schema.js'
import type { Directive } from './nginx-directives.js'

const SAFE = [
  'add_header X-Content-Type-Options nosniff always',
  `add_header Content-Security-Policy "sandbox; default-src 'none'" always`,
]
/** Names that are the sum of their content, below the number of a tenant. */
const BY_CONTENT = '[0-9]+/[0-9a-f]{2}/[0-9a-f]{64}\\.[a-z0-9]+$'

/** Maps, the cache and the bucket of public media; the same as in docs/nginx-media.conf. */
export function mediaShared({ media, names, scale }: Deployment): Directive[] {
  if (media === null || names.media === null) return []
  const { cache, cache_gb: gb, resolvers } = scale.balancer
  return [
    `proxy_cache_path ${cache}/media levels=1:2 keys_zone=feedctl_media:32m max_size=${gb}g inactive=1d use_temp_path=off`,
    [
      'map $uri $feedctl_cache',
      [`"~^/${media.prefix}/${BY_CONTENT}" "public, max-age=31536000, immutable"`, 'default "public, max-age=300"'],
    ],
    [
      'map $sent_http_content_type $feedctl_disposition',
      [
        '"~^image/(png|jpeg|gif|webp|avif|bmp|x-icon|vnd\\.microsoft\\.icon)$" ""',
        '"~^(audio|video)/[a-z0-9.+-]+$" ""',
        'default attachment',
      ],
    ],
    `resolver ${resolvers.map(place => (place.includes(':') ? `[${place}]` : place)).join(' ')} valid=60s`,
    ['map $request_uri $feedctl_path', ['"~^(?<feedctl_asked>[^?]*)" $feedctl_asked']],
  ]
}

/** Public links to media; null where there are none. */
export function mediaServer({ media, names, scale }: Deployment, listens: readonly string[]): Directive | null {
  if (media === null || names.media === null) return null
  const hsts = scale.balancer.tls === null ? [] : ['add_header Strict-Transport-Security max-age=31536000 always']
  return [
    'server',
    [
      ...listens,
      `server_name ${names.media}`,
      ...SAFE,
      ...hsts,
      ['if ($request_uri ~* "^[^?]*(//|%2f|/(\\.|%2e)(\\.|%2e)?(/|\\?|$))")', ['return 404']],
      `set $feedctl_bucket ${hostOf(media)}`,
      ['location /', ['return 404']],
      ['location ~ /\\.', ['return 404']],
      // What its name is the sum of never changes: the bucket is asked once a day whether it is still there.
      [`location ~ "^/${media.prefix}/${BY_CONTENT}"`, fromBucket(media, '1d', hsts)],
      [`location ~ ^/${media.prefix}/[1-9][0-9]*/.`, fromBucket(media, '5m', hsts)],
      ['location @feedctl_missing', ['return 404']],
    ],
  ]
}

function fromBucket(media: Media, validFor: string, hsts: readonly string[]): Directive[] {
  return [
    ['limit_except GET', ['deny all']],
    // By a variable the name is looked up again while nginx runs, and nginx starts where it cannot be.
    `proxy_pass https://$feedctl_bucket:${media.port}${media.path_style ? `/${media.bucket}` : ''}$feedctl_path`,
    'proxy_http_version 1.1',
    'proxy_ssl_server_name on',
    `proxy_ssl_name ${hostOf(media)}`,
    'proxy_ssl_verify on',
    'proxy_ssl_verify_depth 3',
    `proxy_ssl_trusted_certificate ${media.authorities}`,
    `proxy_set_header Host ${hostOf(media)}${media.port === 443 ? '' : `:${media.port}`}`,
    'proxy_set_header Connection ""',
    'proxy_set_header Authorization ""',
    'proxy_set_header Cookie ""',
    'proxy_max_temp_file_size 0',
    'proxy_cache feedctl_media',
    'proxy_cache_key $feedctl_path',
    `proxy_cache_valid 200 ${validFor}`,
    'proxy_cache_valid 403 404 1m',
    'proxy_cache_revalidate on',
    // One asks the bucket, the others wait for what it gets.
    'proxy_cache_lock on',
    // Only what cannot be asked for is sent although its day is over.
    'proxy_cache_use_stale error timeout http_500 http_502 http_503 http_504',
    'proxy_ignore_headers Cache-Control Expires Set-Cookie Vary X-Accel-Expires',
    'proxy_intercept_errors on',
    'error_page 400 401 403 404 405 = @feedctl_missing',
    ...['Content-Disposition', 'Cache-Control', 'Set-Cookie', 'x-amz-request-id', 'x-amz-id-2'].map(
      header => `proxy_hide_header ${header}`,
    ),
    ...SAFE,
    ...hsts,
    'add_header Content-Disposition $feedctl_disposition',
    'add_header Cache-Control $feedctl_cache',
    'add_header X-Cache $upstream_cache_status',
  ]
}

function hostOf({ bucket, endpoint, path_style }: Media): string {
  return path_style ? endpoint : `${bucket}.${endpoint}`
}
