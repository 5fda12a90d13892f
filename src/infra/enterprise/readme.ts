import type { Region } from '../description/enterprise.js'
import type { Deployment } from '../description/schema.js'
import type { RenderedFile } from '../files.js'
import { fileTable, readme, shell } from '../markdown.js'
import { secretNames } from './kubernetes/foundation.js'

/** In which order clusters and cloud are set up, which region uses what, and what was checked. */
export function enterpriseReadme(deployment: Deployment, files: readonly RenderedFile[]): RenderedFile {
  return readme(`${deployment.name}: phase Enterprise`, [
    ['', INTRODUCTION],
    ['1. The cloud', cloudSteps(deployment)],
    ['2. The image', imageSteps(deployment)],
    ['3. The database users', userSteps(deployment)],
    ['4. Migrations, then the regions', rolloutSteps(deployment)],
    ['5. Hosts, and tenants placed per region', hostSteps(deployment)],
    ['Which region uses what', usage(deployment)],
    ['A new version', upgradeSteps(deployment)],
    ['What was checked, and what was not', CHECKS],
    ['Files', fileTable(files)],
  ])
}

const INTRODUCTION = [
  'Rendered by `feedctl infra render --phase enterprise`. No file holds a secret: Terraform makes passwords and puts them into Secrets Manager (its state has them too: keep it encrypted), External Secrets brings them into the clusters.',
  '',
  'There already: a cluster of Kubernetes for each region whose networks reach each other (peering, or a transit gateway), with an ingress controller, External Secrets, KEDA, the Prometheus operator, and a store of secrets; the image registry; certificates.',
]

function cloudSteps({ enterprise, media, names }: Deployment): string[] {
  const networks = enterprise.regions.map(
    ({ name }) => `${name} = { vpc_id = "vpc-...", subnet_ids = ["subnet-..."], client_security_group_ids = ["sg-..."] }`,
  )
  return [
    '`terraform/terraform.tfvars` is yours to write:',
    '',
    '```hcl',
    'networks = {',
    ...networks.map(line => `  ${line}`),
    '}',
    ...(media === null || names.media === null
      ? []
      : [`media_certificate_arn = "arn:aws:acm:us-east-1:..." # for ${names.media}`]),
    '```',
    '',
    ...shell(
      'terraform -chdir=terraform init',
      'terraform -chdir=terraform validate',
      'terraform -chdir=terraform plan -out plan',
      'terraform -chdir=terraform apply plan',
    ),
    ...(media === null || names.media === null
      ? []
      : ['', `Then ${names.media} is to be an alias of the output \`media_domain\`.`]),
  ]
}

function imageSteps({ enterprise }: Deployment): string[] {
  return shell(
    `docker build --tag ${enterprise.image} --file Dockerfile ../feedctl # the folder of its sources`,
    `docker push ${enterprise.image}`,
  )
}

function userSteps({ database, enterprise, name }: Deployment): string[] {
  const prefix = database.prefix.replaceAll('_', '\\_')
  const hosts = enterprise.regions.flatMap(region => region.hosts.map(host => `${host.name}.${enterprise.domain}`))
  return [
    `On each of ${hosts.map(host => `\`${host}\``).join(', ')}, as \`master\` (the output \`master_secrets\` says where its password is), with the \`DB_PASSWORD\` of the secret \`${name}/settings\`:`,
    '',
    '```sql',
    `CREATE USER '${database.username}'@'%' IDENTIFIED BY '...';`,
    `GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER ON \`${database.catalog}\`.* TO '${database.username}'@'%'; -- on default only`,
    `GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP ON \`${prefix}%\`.* TO '${database.username}'@'%';`,
    '```',
  ]
}

function rolloutSteps(deployment: Deployment): string[] {
  const { namespace, regions } = deployment.enterprise
  const home = regions[0]?.name ?? ''
  const more = secretNames(deployment).join(', ')
  return [
    `The secret \`${deployment.name}/settings\` has ${more}; those that are empty there are yours to fill in.`,
    '',
    ...shell(
      `kubectl --context ${home} apply -k kubernetes/common --namespace ${namespace}`,
      `kubectl --context ${home} apply -f kubernetes/regions/${home}/settings.yaml --namespace ${namespace}`,
      `kubectl --context ${home} apply -k kubernetes/migrate`,
      `kubectl --context ${home} --namespace ${namespace} wait --for=condition=complete --timeout=1h job/feedctl-migrate`,
      ...regions.map(({ name }) => `kubectl --context ${name} apply -k kubernetes/regions/${name}`),
    ),
  ]
}

function hostSteps({ enterprise }: Deployment): string[] {
  const { domain, namespace, regions } = enterprise
  const home = regions[0]?.name ?? ''
  const add = (region: Region) =>
    region.hosts.map(host => {
      const read = host.replicas === 0 ? '' : ` --read-address ${host.name}-read-1.${domain}:3306`
      return host.name === 'default'
        ? `feedctl host set default --region ${region.name} --connections ${host.connections}`
        : `feedctl host add ${host.name} --address ${host.name}.${domain}:3306 --region ${region.name} --connections ${host.connections}${read}`
    })
  return [
    `In a pod at home (\`kubectl --context ${home} --namespace ${namespace} exec deploy/feedctl-scheduler -- node /app/bin/feedctl.js ...\`):`,
    '',
    ...shell(
      ...regions.flatMap(add),
      ...regions.map(({ name }) => `feedctl tenant create acme-${name} --region ${name}`),
      'feedctl doctor',
    ),
  ]
}

function usage({ enterprise }: Deployment): string[] {
  const [home] = enterprise.regions
  const rows = enterprise.regions.map((region, index) => {
    const workers = region.workers ? enterprise.workers.map(set => set.name).join(', ') : 'none'
    return `| ${region.name}${index === 0 ? ' (home)' : ''} | ${region.aws} | ${region.hosts.map(host => host.name).join(', ')} | ${workers} | ${index === 0 ? 'yes' : 'no'} |`
  })
  return [
    '| region | cloud | database hosts | workers | catalog, Redis, schedule |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    `It is one installation. Where a tenant's rows live is a row of the catalog, in ${home?.name}. Every process of every region reaches every host, the catalog and Redis:`,
    '',
    "- The API of any region serves any tenant. Near its own tenants it is fast: rows and the replica of a host are in the region. It asks the catalog and Redis at home, unless it has the answer ready; so a tenant's clients should be led to the region of its host.",
    '- Workers of any region take any job, since the queues are one. A job for a tenant of another region crosses the ocean with each statement. Where that costs more than it brings, set `workers: false` for that region.',
    `- Home is a single region: while it is away, nothing is written or synced anywhere, and the other regions send only answers that they have ready. Independent regions are several installations, each with a description of its own.`,
    `- Figures of the queues are told at home only. KEDA of every region asks the Prometheus there, at \`${enterprise.prometheus}\` (\`enterprise.prometheus\`): all clusters must reach it. Where one does not, or figures are missing, it keeps a quarter of its most workers: nothing known is not taken for nothing waiting.`,
    '- Media is in one bucket at home, near to everybody by the CDN.',
  ]
}

function upgradeSteps({ enterprise }: Deployment): string[] {
  const { api, namespace, regions } = enterprise
  const home = regions[0]?.name ?? ''
  return [
    'An old process refuses a database that a newer one has migrated. Where the new version changes the schema, the old pods end first, in every region, and what is asked meanwhile is refused:',
    '',
    ...shell(
      ...regions.flatMap(({ name }) => [
        `kubectl --context ${name} --namespace ${namespace} delete hpa,scaledobject --all`,
        `kubectl --context ${name} --namespace ${namespace} scale deployment --all --replicas=0`,
      ]),
      `kubectl --context ${home} --namespace ${namespace} delete job feedctl-migrate --ignore-not-found`,
      '# the new image in the description, rendered again; then as in 4, and',
      ...regions.map(
        ({ name }) => `kubectl --context ${name} --namespace ${namespace} scale deployment/feedctl-api --replicas=${api.min}`,
      ),
    ),
    '',
    'The last lines matter: what was scaled to 0 is left at 0 by an autoscaler of Kubernetes, and manifests do not say how many.',
  ]
}

const CHECKS = [
  "feedctl's own tests hold these files against:",
  '',
  '| what | by |',
  '|---|---|',
  '| manifests | the published schemas of Kubernetes, KEDA, External Secrets and the Prometheus operator (npm `kubernetes-models`), for names of fields by the compiler, for values by their validators; `kubectl kustomize` where there is kubectl |',
  '| settings, commands in pods | every name, word and flag is one of feedctl |',
  '| rules | `promtool test rules`, as in phase Scale |',
  "| HCL | Terraform's own parser (npm `@cdktf/hcl2json`); every reference, variable and output is declared; `terraform fmt` where there is terraform |",
  '',
  'Nothing has validated:',
  '',
  '- `terraform validate` and `plan`, which need the providers and an account: names and values of arguments were checked by nobody. Run `terraform validate` first;',
  '- the manifests in a cluster: admission, kubeconform and helm were not to be had; `kubectl apply --dry-run=server` is the check;',
  '- the image, which was never built: the sources that it copies were built by its commands elsewhere;',
  '- KEDA across clusters, and how autoscalers wake what was scaled to 0;',
  '- feedctl on RDS, ElastiCache, S3 and CloudFront. ElastiCache keeps no append-only file beside a replica: what Redis held when both nodes are lost is gone, and the next sync enqueues it again; `feedctl doctor` will say so. MariaDB is spoken to without TLS, within the private networks;',
  '- 50,000 tenants and 50,000 requests per second.',
]
