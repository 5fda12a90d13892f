import { stringify } from 'yaml'
import type { Region } from '../../description/enterprise.js'
import type { Deployment } from '../../description/schema.js'
import { inFolder, MARK, type RenderedFile } from '../../files.js'
import { api } from './api.js'
import { foundation, settingsMap } from './foundation.js'
import { watching, watchingHome } from './watching.js'
import { migrations, scheduler, workers } from './workers.js'

const ROOT = 'kubernetes'

interface Part {
  readonly name: string
  readonly about: string
  readonly objects: readonly object[]
}

/** Manifests by part, and for each region what of them it has. */
export function manifests(deployment: Deployment): RenderedFile[] {
  const { namespace } = deployment.enterprise
  const parts: Part[] = [
    { name: 'common', about: 'namespace, accounts, references to secrets, who may reach whom', objects: foundation(deployment) },
    { name: 'api', about: 'the API, scaled by its CPU', objects: api(deployment) },
    { name: 'workers', about: 'workers, scaled by how long jobs wait', objects: workers(deployment) },
    { name: 'scheduler', about: 'the schedule, alerts and figures; at home only', objects: scheduler(deployment) },
    { name: 'watching', about: 'for the operator of Prometheus', objects: watching(deployment) },
    { name: 'watching-home', about: 'for the operator of Prometheus at home', objects: watchingHome(deployment) },
    { name: 'migrate', about: 'migrations, applied by itself before a new version', objects: migrations(deployment) },
  ]
  return [
    ...parts.flatMap(({ name, about, objects }) => [
      inFolder(`${ROOT}/${name}/${name}.yaml`, about, documents(objects)),
      inFolder(
        `${ROOT}/${name}/kustomization.yaml`,
        `what is in ${name}`,
        kustomization([`${name}.yaml`], name === 'migrate' ? namespace : undefined),
      ),
    ]),
    ...deployment.enterprise.regions.flatMap((region, index) => regionFiles(deployment, region, index === 0)),
  ]
}

function regionFiles(deployment: Deployment, region: Region, isHome: boolean): RenderedFile[] {
  const folder = `${ROOT}/regions/${region.name}`
  const parts = [
    'common',
    'api',
    ...(region.workers ? ['workers'] : []),
    ...(isHome ? ['scheduler', 'watching-home'] : []),
    'watching',
  ]
  const { namespace } = deployment.enterprise
  const up = (part: string) => `../../${part}`
  return [
    inFolder(`${folder}/settings.yaml`, `settings of feedctl in ${region.name}`, documents([settingsMap(deployment, region)])),
    inFolder(
      `${folder}/kustomization.yaml`,
      `all that runs in ${region.name}${isHome ? ', which is home' : ''}`,
      kustomization(['settings.yaml', ...parts.map(up)], namespace),
    ),
  ]
}

function documents(objects: readonly object[]): string {
  return `${MARK}\n${objects.map(object => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n')}`
}

function kustomization(resources: readonly string[], namespace?: string): string {
  const value = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    ...(namespace === undefined ? {} : { namespace }),
    resources,
  }
  return documents([value])
}
