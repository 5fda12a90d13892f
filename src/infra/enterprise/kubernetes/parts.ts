import type { IContainer, IPodSpec } from 'kubernetes-models/v1'
import { SETTINGS } from '../../../kernel/settings.js'
import type { Deployment } from '../../description/schema.js'

/** Nobody's on the machine; the image has this user. */
export const USER = 10_001
/** Before SIGTERM: by then no proxy sends a pod anything new. */
export const LEAVE_S = 10
/** Beyond the drain: handing back, the report. */
const MARGIN_S = 15
const DATA = '/data'

export interface Labels {
  readonly [label: string]: string
}

export function labelsOf(component: string): Labels {
  return { 'app.kubernetes.io/name': 'feedctl', 'app.kubernetes.io/component': component }
}

export function nameOf(component: string): string {
  return `feedctl-${component}`
}

/** How long a pod may take to end: FEEDCTL_DRAIN_MS, and what is before and after it. */
export function graceS({ settings }: Pick<Deployment, 'settings'>): number {
  const drainMs = Number(settings[SETTINGS.drainMs.env] ?? SETTINGS.drainMs.default)
  return LEAVE_S + Math.ceil(drainMs / 1000) + MARGIN_S
}

/** A container of feedctl: settings from ConfigMap and Secret, and nothing that it could change but its data and /tmp. */
export function container(
  deployment: Deployment,
  args: readonly string[],
  size: { readonly cpu: string; readonly memory: string },
  more: Partial<IContainer> = {},
): IContainer {
  return {
    name: 'feedctl',
    image: deployment.enterprise.image,
    imagePullPolicy: 'IfNotPresent',
    args: [...args],
    envFrom: [{ configMapRef: { name: 'feedctl-settings' } }, { secretRef: { name: 'feedctl-secrets' } }],
    resources: { requests: { cpu: size.cpu, memory: size.memory }, limits: { memory: size.memory } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'data', mountPath: DATA },
      { name: 'tmp', mountPath: '/tmp' },
    ],
    ...more,
  }
}

export function podSpec(component: string, containers: IContainer[], more: Partial<IPodSpec> = {}): IPodSpec {
  return {
    serviceAccountName: nameOf(component),
    automountServiceAccountToken: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: labelsOf(component) },
      },
    ],
    containers,
    volumes: [
      { name: 'data', emptyDir: {} },
      { name: 'tmp', emptyDir: { medium: 'Memory', sizeLimit: '256Mi' } },
    ],
    ...more,
  }
}
