import type { IDeployment } from 'kubernetes-models/apps/v1'
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import type { IIngress } from 'kubernetes-models/networking.k8s.io/v1'
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1'
import type { IService } from 'kubernetes-models/v1'
import type { Deployment } from '../../description/schema.js'
import { maxBodyBytes } from '../../edge.js'
import { container, graceS, LEAVE_S, labelsOf, nameOf, podSpec } from './parts.js'

const NAME = nameOf('api')
const PORT = 8080

/** The API: as many pods as its CPU needs. */
export function api(deployment: Deployment): object[] {
  return [workload(deployment), service(), autoscaler(deployment), budget(), ingress(deployment)]
}

function workload(deployment: Deployment): IDeployment {
  const { api: size } = deployment.enterprise
  const probe = (path: string) => ({ httpGet: { path, port: 'http' } })
  const serving = container(deployment, ['serve', '--host', '0.0.0.0', '--port', String(PORT)], size, {
    ports: [{ name: 'http', containerPort: PORT }],
    startupProbe: { ...probe('/healthz'), periodSeconds: 2, failureThreshold: 60 },
    livenessProbe: { ...probe('/healthz'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    // Not by /readyz: with the catalog away all pods would leave at once, and answers that are kept ready would not be sent. preStop takes a pod out before it ends.
    readinessProbe: { ...probe('/healthz'), periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 },
    lifecycle: { preStop: { exec: { command: ['sleep', String(LEAVE_S)] } } },
  })
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: NAME, labels: { ...labelsOf('api') } },
    spec: {
      // How many is the autoscaler's to say.
      revisionHistoryLimit: 5,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: '25%' } },
      selector: { matchLabels: { ...labelsOf('api') } },
      template: {
        metadata: { labels: { ...labelsOf('api') } },
        spec: podSpec('api', [serving], { terminationGracePeriodSeconds: graceS(deployment) }),
      },
    },
  }
}

function service(): IService {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: NAME, labels: { ...labelsOf('api') } },
    spec: { selector: { ...labelsOf('api') }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  }
}

function autoscaler(deployment: Deployment): IHorizontalPodAutoscaler {
  const { min, max, cpu_percent: percent } = deployment.enterprise.api
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: NAME },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: NAME },
      minReplicas: min,
      maxReplicas: max,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent } } }],
      behavior: { scaleDown: { stabilizationWindowSeconds: 300, policies: [{ type: 'Percent', value: 25, periodSeconds: 60 }] } },
    },
  }
}

function budget(): IPodDisruptionBudget {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: NAME },
    spec: { maxUnavailable: 1, selector: { matchLabels: { ...labelsOf('api') } } },
  }
}

function ingress(deployment: Deployment): IIngress {
  const { enterprise, names } = deployment
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: NAME,
      annotations: {
        'nginx.ingress.kubernetes.io/proxy-body-size': String(maxBodyBytes(deployment)),
        'nginx.ingress.kubernetes.io/proxy-connect-timeout': '2',
        'nginx.ingress.kubernetes.io/proxy-read-timeout': '60',
        // What writes (POST) is not sent twice.
        'nginx.ingress.kubernetes.io/proxy-next-upstream': 'error timeout',
        'nginx.ingress.kubernetes.io/proxy-next-upstream-tries': '3',
      },
    },
    spec: {
      ingressClassName: enterprise.ingress_class,
      tls: [{ hosts: [names.api], secretName: enterprise.tls_secret }],
      rules: [
        {
          host: names.api,
          http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: NAME, port: { name: 'http' } } } }] },
        },
      ],
    },
  }
}
