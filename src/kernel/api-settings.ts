import { MEBIBYTE, originList, passwordHash, proxyList, secret, setting, whole } from './setting-kinds.js'

/** The settings of `feedctl serve`, and of the events it takes in. */
export const API_SETTINGS = {
  apiRate: setting(
    'FEEDCTL_API_RATE',
    whole(0, 1_000_000),
    200,
    'requests per second of one tenant, over all processes; 0 is no limit',
  ),
  apiMaxBodyBytes: setting(
    'FEEDCTL_API_MAX_BODY_BYTES',
    whole(1024, 64 * MEBIBYTE),
    2 * MEBIBYTE,
    'largest body of a request to the API, bytes',
  ),
  apiCacheBytes: setting(
    'FEEDCTL_API_CACHE_BYTES',
    whole(0, 16_384 * MEBIBYTE),
    64 * MEBIBYTE,
    'answers of the API that a process keeps ready to send, bytes; 0 is no cache',
  ),
  apiCacheTtlS: setting(
    'FEEDCTL_API_CACHE_TTL_S',
    whole(1, 86_400),
    60,
    'how long an answer counts that nothing has changed, seconds',
  ),
  corsOrigins: setting('FEEDCTL_CORS_ORIGINS', originList, [], 'comma list of origins whose pages may call the API; * is any'),
  trustedProxies: setting(
    'FEEDCTL_TRUSTED_PROXIES',
    proxyList,
    [],
    'comma list of addresses and CIDRs of proxies whose X-Forwarded-For and X-Forwarded-Proto count',
  ),
  opsPasswordHash: secret(
    'FEEDCTL_OPS_PASSWORD_HASH',
    'hash of the password of the operations dashboard, made by `feedctl serve password`; no dashboard without',
    passwordHash,
  ),
  sessionTtlS: setting('FEEDCTL_SESSION_TTL_S', whole(60, 2_592_000), 43_200, 'how long a login to the dashboard lasts, seconds'),
  analyticsDelayS: setting(
    'FEEDCTL_ANALYTICS_DELAY_S',
    whole(0, 3600),
    10,
    'how long events are gathered before they are counted, seconds',
  ),
  analyticsBacklogMb: setting(
    'FEEDCTL_ANALYTICS_BACKLOG_MB',
    whole(1, 65_536),
    256,
    'accepted events that may wait to be counted, MiB; intake answers 503 beyond',
  ),
  analyticsMinutesDays: setting(
    'FEEDCTL_ANALYTICS_MINUTES_DAYS',
    whole(1, 3650),
    30,
    'age at which counts per minute are pruned, days; those per day stay',
  ),
  analyticsRawDays: setting(
    'FEEDCTL_ANALYTICS_RAW_DAYS',
    whole(0, 3650),
    0,
    'how long single events are kept too, days; 0 keeps none',
  ),
} as const
