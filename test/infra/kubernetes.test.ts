import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { ExternalSecret } from '@kubernetes-models/external-secrets/external-secrets.io/v1'
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1'
import { PrometheusRule, ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import { Deployment as Workload } from 'kubernetes-models/apps/v1'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import { Job } from 'kubernetes-models/batch/v1'
import { Ingress, NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { ConfigMap, Namespace, Service, ServiceAccount } from 'kubernetes-models/v1'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { renderFiles } from '../../src/infra/render.js'
import { loadConfig } from '../../src/kernel/config.js'
import { loadCommands } from '../borders/docs.js'
import { commandFaults } from '../borders/docs-commands.js'
import { temporaryFolder } from '../support/folders.js'
import { described, put } from './ground.js'

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec?: Record<string, never> & { readonly template?: { readonly spec: PodSpec } }
  readonly data?: Record<string, string>
}

interface PodSpec {
  readonly terminationGracePeriodSeconds: number
  readonly serviceAccountName: string
  readonly containers: Container[]
  readonly initContainers?: Container[]
}

interface Container {
  readonly args: string[]
  readonly securityContext: object
  readonly resources: { readonly limits: object; readonly requests: object }
  readonly envFrom: object[]
}

/** The published schemas, by kind. */
const MODELS = [
  Workload,
  HorizontalPodAutoscaler,
  Job,
  Ingress,
  NetworkPolicy,
  PodDisruptionBudget,
  ConfigMap,
  Namespace,
  Service,
  ServiceAccount,
  ScaledObject,
  ExternalSecret,
  ServiceMonitor,
  PrometheusRule,
]

function manifestsOf(value: object): Manifest[] {
  return renderFiles('enterprise', described(value))
    .filter(({ path }) => path.endsWith('.yaml') && !path.endsWith('kustomization.yaml'))
    .flatMap(({ text }) => parseAllDocuments(text).map(document => document.toJS() as Manifest))
}

function validate(manifest: Manifest): string {
  const model = MODELS.find(({ kind, apiVersion }) => kind === manifest.kind && apiVersion === manifest.apiVersion)
  if (model === undefined) return `no schema of ${manifest.apiVersion} ${manifest.kind}`
  try {
    new model(manifest as never).validate()
    return 'ok'
  } catch (error) {
    return `${manifest.kind} ${manifest.metadata.name}: ${(error as Error).message}`
  }
}

const ALL = manifestsOf({})
const workloads = ALL.filter(({ kind }) => kind === 'Deployment' || kind === 'Job')
const podsOf = ({ spec }: Manifest): PodSpec => spec?.template?.spec as PodSpec

describe('the manifests', () => {
  test('are what the published schemas of their kinds allow', () => {
    expect(ALL.length).toBeGreaterThan(25)
    expect(ALL.map(validate).filter(words => words !== 'ok')).toEqual([])
    expect(
      manifestsOf({ media: null, names: { media: null } })
        .map(validate)
        .filter(words => words !== 'ok'),
    ).toEqual([])
    expect(new Set(ALL.map(({ kind }) => kind)).size).toBe(MODELS.length)
  })

  test('are refused by these schemas when they are wrong', () => {
    const [workload] = workloads
    expect(validate({ ...workload, spec: { ...workload?.spec, replicas: 'many' } } as never)).toContain('replicas')
  })

  test('run commands that there are, hardened and bounded, and give them the time to drain', async () => {
    expect(workloads.map(({ metadata }) => metadata.name).sort()).toEqual([
      'feedctl-api',
      'feedctl-migrate',
      'feedctl-scheduler',
      'feedctl-workers-analytics',
      'feedctl-workers-sync',
    ])
    const program = await loadCommands()
    const accounts = ALL.filter(({ kind }) => kind === 'ServiceAccount').map(({ metadata }) => metadata.name)
    for (const workload of workloads) {
      const pods = podsOf(workload)
      if (workload.kind === 'Deployment') expect(pods.terminationGracePeriodSeconds).toBe(10 + 25 + 15)
      expect(accounts).toContain(pods.serviceAccountName)
      for (const { args, securityContext, resources, envFrom } of [...pods.containers, ...(pods.initContainers ?? [])]) {
        expect(commandFaults({ path: 'args', text: `\`feedctl ${args.join(' ')}\`` }, program).faults).toEqual([])
        expect(securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        expect([Object.keys(resources.limits), Object.keys(resources.requests)]).toEqual([['memory'], ['cpu', 'memory']])
        expect(envFrom).toHaveLength(2)
      }
    }
    const slow = manifestsOf({ settings: { FEEDCTL_DRAIN_MS: 120_000 } }).find(({ metadata }) => metadata.name === 'feedctl-api')
    expect(podsOf(slow as Manifest).terminationGracePeriodSeconds).toBe(145)
  })

  test('probe what the API has, and scale by what the supervisor shows', () => {
    const text = JSON.stringify(ALL)
    expect(text).toContain('"livenessProbe":{"httpGet":{"path":"/healthz","port":"http"}')
    expect(text).toContain('"readinessProbe":{"httpGet":{"path":"/healthz","port":"http"}')
    const scaled = ALL.filter(({ kind }) => kind === 'ScaledObject').map(
      ({ spec }) => spec as unknown as { triggers: { metadata: { query: string } }[] },
    )
    expect(scaled.map(({ triggers }) => triggers[0]?.metadata.query)).toEqual([
      'max(feedctl_queue_oldest_wait_seconds{queue=~"sync|media"})',
      'max(feedctl_queue_oldest_wait_seconds{queue=~"analytics"})',
    ])
  })

  test('have rules in each region for what it shows itself, and take no figures for an error', () => {
    const files = renderFiles('enterprise', described({}))
    const alertsOf = (part: string) =>
      [...(files.find(({ path }) => path.endsWith(`/${part}.yaml`))?.text ?? '').matchAll(/alert: (\w+)/g)].map(
        ([, name]) => name,
      )
    expect(alertsOf('watching')).toEqual(expect.arrayContaining(['FeedctlApiAbsent', 'ReplicaBehind', 'FeedctlApiFails']))
    expect(alertsOf('watching')).not.toContain('FeedctlUnreadable')
    expect(alertsOf('watching-home')).toContain('FeedctlUnreadable')
    const parts = files.filter(({ path }) => /regions\/\w+\/kustomization/.test(path)).map(({ text }) => text)
    expect(parts.map(text => text.includes('watching-home'))).toEqual([true, false])
    const scaled = ALL.filter(({ kind }) => kind === 'ScaledObject')
    expect(scaled.map(object => JSON.stringify(object).includes('"ignoreNullValues":"false"'))).toEqual([true, true])
  })

  test('have settings that feedctl knows, of each region, and no secret', () => {
    const maps = ALL.filter(({ kind }) => kind === 'ConfigMap').map(({ data = {} }) => data)
    expect(maps).toHaveLength(2)
    for (const env of maps) {
      const { sources } = loadConfig({ env, envFile: '/nonexistent', envFileNamed: false })
      expect(Object.values(sources).filter(source => source === 'environment')).toHaveLength(Object.keys(env).length)
    }
    expect(maps.map(env => [env.DB_HOST, env.DB_READ_HOST, env.FEEDCTL_TRUSTED_PROXIES])).toEqual([
      ['default.feedctl.internal', 'default-read-1.feedctl.internal:3306', '10.10.0.0/16'],
      ['default.feedctl.internal', undefined, '10.20.0.0/16'],
    ])
    expect(ALL.filter(({ kind }) => kind === 'Secret')).toEqual([])
  })

  test.runIf(spawnSync('kubectl', ['version', '--client']).status === 0)('of every region are whole to kustomize', () => {
    const folder = temporaryFolder()
    const paths = renderFiles('enterprise', described({})).map(file => put(folder, file))
    const roots = paths.filter(path => /(regions\/\w+|migrate)\/kustomization\.yaml$/.test(path)).map(path => dirname(path))
    expect(roots.map(root => root.slice(join(folder, 'kubernetes').length + 1))).toEqual(['migrate', 'regions/eu', 'regions/us'])
    const built = roots.map(root => spawnSync('kubectl', ['kustomize', root], { encoding: 'utf8' }))
    expect(built.map(({ status, stderr }) => [status, stderr])).toEqual(roots.map(() => [0, '']))
    expect(built.map(({ stdout }) => stdout.includes('name: feedctl-scheduler\n'))).toEqual([false, true, true])
  })
})
