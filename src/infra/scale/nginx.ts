import { hostPort } from '../description/kinds.js'
import type { Deployment } from '../description/schema.js'
import { maxBodyBytes } from '../edge.js'
import { MARK, onMachine, type RenderedFile } from '../files.js'
import { apiLocations, metricsLocation, refusalLocations } from './nginx-api.js'
import { block, type Directive } from './nginx-directives.js'
import { mediaServer, mediaShared } from './nginx-media.js'

const TLS = [
  'ssl_protocols TLSv1.2 TLSv1.3',
  // Mozilla's intermediate list.
  'ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305',
  'ssl_prefer_server_ciphers off',
  'ssl_session_cache shared:feedctl_tls:10m',
  'ssl_session_timeout 1d',
  'ssl_session_tickets off',
]

/** The whole nginx.conf of the load balancer: the API behind one name, public media behind another. */
export function balancerFiles(deployment: Deployment): RenderedFile[] {
  const { balancer } = deployment.scale
  const text = [
    MARK,
    '# The load balancer. A GET that a process did not answer, because it was killed or is gone, is asked again at another; what writes (POST) is',
    '# not, unless it had not been sent yet: it may have been done.',
    ...block([
      `user ${balancer.user}`,
      'worker_processes auto',
      'worker_rlimit_nofile 65536',
      `pid ${balancer.pid}`,
      `error_log ${balancer.logs}/error.log warn`,
      ['events', ['worker_connections 16384']],
      ['http', [...shared(deployment), apiUpstream(deployment), ...servers(deployment)]],
    ]),
    '',
  ].join('\n')
  return [onMachine('balancer', '/etc/nginx/nginx.conf', 'the whole configuration of nginx', text)]
}

function shared(deployment: Deployment): Directive[] {
  const { balancer } = deployment.scale
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    kind => `${kind}_temp_path ${balancer.state}/${kind}`,
  )
  return [
    'default_type application/octet-stream',
    'sendfile on',
    'tcp_nopush on',
    'keepalive_timeout 65s',
    'server_tokens off',
    // Without the query: signed links have their key in it.
    `log_format feedctl '$remote_addr [$time_iso8601] "$request_method $uri" $status $body_bytes_sent $request_time $upstream_response_time $upstream_addr $request_id'`,
    `access_log ${balancer.logs}/access.log feedctl buffer=64k flush=5s`,
    ...temporary,
    ...(balancer.client_rate === null
      ? []
      : [`limit_req_zone $binary_remote_addr zone=feedctl_rate:10m rate=${balancer.client_rate}r/s`]),
    ...(balancer.client_connections === null ? [] : ['limit_conn_zone $binary_remote_addr zone=feedctl_connections:10m']),
    ...(balancer.tls === null
      ? []
      : [...TLS, `ssl_certificate ${balancer.tls.certificate}`, `ssl_certificate_key ${balancer.tls.key}`]),
    ...frontShared(balancer.front),
    ...mediaShared(deployment),
  ]
}

/** Who the client is, and how it came, as those in front say it, and nobody else. */
function frontShared(front: readonly string[]): Directive[] {
  if (front.length === 0) return []
  return [
    ...front.map(place => `set_real_ip_from ${place}`),
    'real_ip_header X-Forwarded-For',
    'real_ip_recursive on',
    ['geo $realip_remote_addr $feedctl_front', ['default 0', ...front.map(place => `${place} 1`)]],
    ['map "$feedctl_front $http_x_forwarded_proto" $feedctl_proto', ['default http', '"1 https" https']],
  ]
}

function apiUpstream({ scale }: Deployment): Directive {
  const hosts = scale.app.hosts.filter(host => host.roles.includes('api'))
  return [
    'upstream feedctl_api',
    [
      'zone feedctl_api 64k',
      'least_conn',
      ...hosts.map(host => `server ${hostPort(host.address, host.port)} max_fails=1 fail_timeout=2s`),
      // Less than the 72 s after which feedctl closes a connection that is not used.
      'keepalive 32',
      'keepalive_timeout 60s',
    ],
  ]
}

function servers(deployment: Deployment): Directive[] {
  const { names, scale } = deployment
  const { tls, client_connections: connections } = scale.balancer
  const bound = connections === null ? [] : [`limit_conn feedctl_connections ${connections}`, 'limit_conn_status 429']
  const api: Directive = [
    'server',
    [
      ...listens(deployment, tls !== null),
      `server_name ${names.api}`,
      `client_max_body_size ${maxBodyBytes(deployment)}`,
      'client_header_timeout 15s',
      'client_body_timeout 15s',
      ...bound,
      metricsLocation(),
      ...apiLocations(deployment),
      ...refusalLocations(deployment),
    ],
  ]
  const media = mediaServer(deployment, listens(deployment, tls !== null))
  return [...(tls === null ? [] : [redirection(deployment)]), stranger(deployment), api, ...(media === null ? [] : [media])]
}

/** Everything on port 80 but what proves who the names belong to. */
function redirection(deployment: Deployment): Directive {
  const { names, scale } = deployment
  return [
    'server',
    [
      ...listens(deployment, false),
      `server_name ${[names.api, names.media].filter(name => name !== null).join(' ')}`,
      ['location ^~ /.well-known/acme-challenge/', [`root ${scale.balancer.acme}`, 'default_type text/plain']],
      ['location /', ['return 308 https://$host$request_uri']],
    ],
  ]
}

/** Who asks for another name, or none, is not answered. */
function stranger(deployment: Deployment): Directive {
  const { tls } = deployment.scale.balancer
  const ports = tls === null ? [false] : [false, true]
  return ['server', [...ports.flatMap(isTls => listens(deployment, isTls, ' default_server')), 'server_name _', 'return 444']]
}

function listens({ scale }: Deployment, isTls: boolean, more = ''): string[] {
  const { balancer } = scale
  const port = isTls ? balancer.https_port : balancer.http_port
  return balancer.listen.map(place => {
    const where = place === '*' ? String(port) : hostPort(place, port)
    return `listen ${where}${isTls ? ' ssl http2' : ''}${more}`
  })
}
