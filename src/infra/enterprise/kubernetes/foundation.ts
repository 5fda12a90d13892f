import type { IExternalSecret } from '@kubernetes-models/external-secrets/external-secrets.io/v1'
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import type { IConfigMap, INamespace, IServiceAccount } from 'kubernetes-models/v1'
import { SETTINGS } from '../../../kernel/settings.js'
import type { Region } from '../../description/enterprise.js'
import type { Deployment } from '../../description/schema.js'
import { labelsOf, nameOf } from './parts.js'

/** Settings that are secrets, or come with one, by the key of the Secret. */
export function secretNames({ media, secrets }: Deployment): string[] {
  const bucket = media === null ? [] : ['WASABI_ACCESS_KEY_ID', 'WASABI_SECRET_ACCESS_KEY']
  return [...new Set(['DB_PASSWORD', 'REDIS_URL', 'FEEDCTL_MEDIA_KEY', ...bucket, ...secrets])]
}

/** What all regions share, besides the settings. */
export function foundation(deployment: Deployment): object[] {
  const { namespace } = deployment.enterprise
  const space: INamespace = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  }
  const accounts = ['api', 'workers', 'scheduler', 'migrate'].map(
    (component): IServiceAccount => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: nameOf(component), labels: { ...labelsOf(component) } },
      automountServiceAccountToken: false,
    }),
  )
  return [space, ...accounts, secret(deployment), ...policies(deployment)]
}

/** The settings of the processes of a region. */
export function settingsMap(deployment: Deployment, region: Region): IConfigMap {
  const data = Object.entries(regionSettings(deployment, region)).map(([name, value]) => [name, String(value)])
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'feedctl-settings' }, data: Object.fromEntries(data) }
}

export function regionSettings(deployment: Deployment, region: Region): Record<string, string | number> {
  const { database, enterprise, media, names, settings } = deployment
  const home = enterprise.regions[0]
  const replicas = home === region ? (region.hosts[0]?.replicas ?? 0) : 0
  const bucket =
    media === null
      ? { FILESYSTEM_DISK: 'local' }
      : {
          FILESYSTEM_DISK: 'wasabi',
          WASABI_BUCKET: media.bucket,
          WASABI_REGION: home?.aws ?? media.region,
          WASABI_ENDPOINT: `https://s3.${home?.aws}.amazonaws.com`,
          ...(names.media === null ? {} : { WASABI_URL: `https://${names.media}` }),
          ...(media.prefix === SETTINGS.mediaPrefix.default ? {} : { FEEDCTL_MEDIA_PREFIX: media.prefix }),
        }
  return {
    DB_CONNECTION: 'mysql',
    DB_HOST: `default.${enterprise.domain}`,
    DB_PORT: 3306,
    DB_DATABASE: database.catalog,
    DB_USERNAME: database.username,
    ...(replicas === 0 ? {} : { DB_READ_HOST: `default-read-1.${enterprise.domain}:3306` }),
    ...(database.prefix === SETTINGS.databasePrefix.default ? {} : { FEEDCTL_DATABASE_PREFIX: database.prefix }),
    CACHE_DRIVER: 'redis',
    SESSION_DRIVER: 'redis',
    QUEUE_CONNECTION: 'redis',
    ...bucket,
    FEEDCTL_DATA: '/data',
    FEEDCTL_DB_POOL: enterprise.pool,
    FEEDCTL_PLACEMENT: 'shared',
    FEEDCTL_TRUSTED_PROXIES: region.pod_cidr,
    FEEDCTL_LOG_LEVEL: 'info',
    ...settings,
  }
}

/** References: External Secrets writes the Secret, from what Terraform has put into the cloud's store. */
function secret(deployment: Deployment): IExternalSecret {
  const { secret_store: store } = deployment.enterprise
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name: 'feedctl-secrets' },
    spec: {
      refreshInterval: '1h',
      secretStoreRef: { kind: 'ClusterSecretStore', name: store },
      target: { name: 'feedctl-secrets', creationPolicy: 'Owner' },
      data: secretNames(deployment).map(name => ({
        secretKey: name,
        remoteRef: { key: `${deployment.name}/settings`, property: name },
      })),
    },
  }
}

/** Only ingress and Prometheus come in; what goes out is not the cloud's metadata. */
function policies(deployment: Deployment): INetworkPolicy[] {
  const { enterprise } = deployment
  const all = { 'app.kubernetes.io/name': 'feedctl' }
  const from = (namespace: string) => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } })
  return [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'feedctl-only-what-is-needed' },
      spec: {
        podSelector: { matchLabels: all },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [{ from: [from(enterprise.monitoring_namespace)], ports: [{ port: 8080 }, { port: 9464 }] }],
        egress: [
          {
            ports: [
              { port: 53, protocol: 'UDP' },
              { port: 53, protocol: 'TCP' },
            ],
          },
          { to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.0.0/16'] } }] },
        ],
      },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'feedctl-api-from-ingress' },
      spec: {
        podSelector: { matchLabels: { ...labelsOf('api') } },
        policyTypes: ['Ingress'],
        ingress: [{ from: [from(enterprise.ingress_namespace)], ports: [{ port: 8080 }] }],
      },
    },
  ]
}
