import type { IPrometheusRule, IServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import type { Deployment } from '../../description/schema.js'
import { limitsOf } from '../../monitoring/limits.js'
import { feedctlRules } from '../../monitoring/rules.js'
import { labelsOf, nameOf } from './parts.js'

/** For the operator of Prometheus: what it reads, and the same rules as of phase Scale. */
export function watching(deployment: Deployment): object[] {
  const rules: IPrometheusRule = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'feedctl' },
    spec: {
      groups: [
        {
          name: 'feedctl',
          rules: feedctlRules(limitsOf(deployment)).map(rule => ({
            ...rule,
            labels: { ...rule.labels },
            annotations: { ...rule.annotations },
          })),
        },
      ],
    },
  }
  return [monitor('api', 'http'), monitor('scheduler', 'metrics'), rules]
}

function monitor(component: string, port: string): IServiceMonitor {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    metadata: { name: nameOf(component) },
    spec: { selector: { matchLabels: { ...labelsOf(component) } }, endpoints: [{ port, path: '/metrics', interval: '15s' }] },
  }
}
