import type { IPrometheusRule, IServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import type { Deployment } from '../../description/schema.js'
import { limitsOf } from '../../monitoring/limits.js'
import { apiAbsent, apiRules, type Rule, replicaRules, supervisorRules } from '../../monitoring/rules.js'
import { labelsOf, nameOf } from './parts.js'

/** For the operator of Prometheus, in every region: what it reads, and the rules for what each region shows. */
export function watching(deployment: Deployment): object[] {
  const limits = limitsOf(deployment)
  const hasReplica = deployment.enterprise.regions.some(region => region.hosts.some(host => host.replicas > 0))
  const rules = [...apiRules(limits), apiAbsent(), ...(hasReplica ? replicaRules(limits) : [])]
  return [monitor('api', 'http'), ruleObject('feedctl-api', rules)]
}

/** At home only, as the scheduler: the figures of the whole installation. */
export function watchingHome(deployment: Deployment): object[] {
  return [monitor('scheduler', 'metrics'), ruleObject('feedctl', supervisorRules(limitsOf(deployment)))]
}

function ruleObject(name: string, rules: readonly Rule[]): IPrometheusRule {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name },
    spec: {
      groups: [
        {
          name,
          rules: rules.map(rule => ({
            ...rule,
            labels: { ...rule.labels },
            annotations: { ...rule.annotations },
          })),
        },
      ],
    },
  }
}

function monitor(component: string, port: string): IServiceMonitor {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    metadata: { name: nameOf(component) },
    spec: { selector: { matchLabels: { ...labelsOf(component) } }, endpoints: [{ port, path: '/metrics', interval: '15s' }] },
  }
}
