import type { IScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1'
import type { IDeployment } from 'kubernetes-models/apps/v1'
import type { IJob } from 'kubernetes-models/batch/v1'
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1'
import type { IService } from 'kubernetes-models/v1'
import type { WorkerSet } from '../../description/enterprise.js'
import type { Deployment } from '../../description/schema.js'
import { container, graceS, labelsOf, nameOf, podSpec } from './parts.js'

const METRICS_PORT = 9464

/** Workers of each set of queues: as many as their wait needs. */
export function workers(deployment: Deployment): object[] {
  return deployment.enterprise.workers.flatMap(set => [workload(deployment, set), scaled(deployment, set), budget(set)])
}

function labelsOfSet(set: WorkerSet) {
  return { ...labelsOf('workers'), 'feedctl/workers': set.name }
}

function workload(deployment: Deployment, set: WorkerSet): IDeployment {
  const args = ['queue', 'work', '--queue', set.queues.join(','), '--concurrency', String(set.concurrency)]
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: nameOf(`workers-${set.name}`), labels: labelsOfSet(set) },
    spec: {
      revisionHistoryLimit: 5,
      selector: { matchLabels: labelsOfSet(set) },
      template: {
        metadata: { labels: labelsOfSet(set) },
        spec: podSpec('workers', [container(deployment, args, set)], { terminationGracePeriodSeconds: graceS(deployment) }),
      },
    },
  }
}

/** One more for each `wait_s` that the oldest job has waited; every supervisor tells the same, so the most of them counts. */
function scaled(deployment: Deployment, set: WorkerSet): IScaledObject {
  const query = `max(feedctl_queue_oldest_wait_seconds{queue=~"${set.queues.join('|')}"})`
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name: nameOf(`workers-${set.name}`) },
    spec: {
      scaleTargetRef: { name: nameOf(`workers-${set.name}`) },
      minReplicaCount: set.min,
      maxReplicaCount: set.max,
      pollingInterval: 15,
      cooldownPeriod: 300,
      // Prometheus is away, or has no figures: neither more nor fewer than do for a while.
      fallback: { failureThreshold: 4, replicas: Math.max(set.min, Math.ceil(set.max / 4)) },
      triggers: [
        {
          type: 'prometheus',
          metricType: 'AverageValue',
          metadata: {
            serverAddress: deployment.enterprise.prometheus,
            query,
            threshold: String(set.wait_s),
            ignoreNullValues: 'false',
          },
        },
      ],
    },
  }
}

function budget(set: WorkerSet): IPodDisruptionBudget {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: nameOf(`workers-${set.name}`) },
    spec: { maxUnavailable: '50%', selector: { matchLabels: labelsOfSet(set) } },
  }
}

/** One supervisor with one worker for what the schedule begins: schedule, alerts, and the figures of the whole installation. */
export function scheduler(deployment: Deployment): object[] {
  const supervise = ['queue', 'supervise', '--min', '1', '--max', '1', '--queue', 'maintenance']
  const listening = container(
    deployment,
    [...supervise, '--metrics', `0.0.0.0:${METRICS_PORT}`],
    { cpu: '250m', memory: '768Mi' },
    {
      ports: [{ name: 'metrics', containerPort: METRICS_PORT }],
      readinessProbe: { httpGet: { path: '/healthz', port: 'metrics' }, periodSeconds: 10, timeoutSeconds: 6 },
    },
  )
  const labels = labelsOf('scheduler')
  const workloadOf: IDeployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: nameOf('scheduler'), labels: { ...labels } },
    spec: {
      replicas: 1,
      revisionHistoryLimit: 5,
      selector: { matchLabels: { ...labels } },
      template: {
        metadata: { labels: { ...labels } },
        spec: podSpec('scheduler', [listening], { terminationGracePeriodSeconds: graceS(deployment) }),
      },
    },
  }
  const service: IService = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: nameOf('scheduler'), labels: { ...labels } },
    spec: { selector: { ...labels }, ports: [{ name: 'metrics', port: METRICS_PORT, targetPort: 'metrics' }] },
  }
  return [workloadOf, service]
}

/** The catalog first, then the databases of tenants, a canary before all others. A job that ended is deleted before the next is applied. */
export function migrations(deployment: Deployment): object[] {
  const size = { cpu: '500m', memory: '768Mi' }
  const catalog = container(deployment, ['init'], size, { name: 'catalog' })
  const tenants = container(deployment, ['tenant', 'migrate', '--all', '--canary', '1', '--max-failures', '1%'], size, {
    name: 'tenants',
  })
  const job: IJob = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: nameOf('migrate'), labels: { ...labelsOf('migrate') } },
    spec: {
      backoffLimit: 0,
      ttlSecondsAfterFinished: 604_800,
      template: {
        metadata: { labels: { ...labelsOf('migrate') } },
        spec: podSpec('migrate', [tenants], {
          initContainers: [catalog],
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 60,
        }),
      },
    },
  }
  return [job]
}
