import type { Region } from '../../description/enterprise.js'
import type { Deployment } from '../../description/schema.js'
import { type Block, raw, type Value } from './hcl.js'

/** The cloud: a module for each region, what is at home only, and media with their CDN. */
export function rootBlocks(deployment: Deployment): Block[] {
  const { regions } = deployment.enterprise
  return [
    {
      words: ['terraform'],
      set: { required_version: '>= 1.5' },
      blocks: [
        {
          words: ['required_providers'],
          set: {
            aws: { source: 'hashicorp/aws', version: '~> 5.60' },
            random: { source: 'hashicorp/random', version: '~> 3.6' },
          },
        },
      ],
    },
    ...regions.map(provider),
    // CloudFront takes certificates of this region only.
    { words: ['provider', 'aws'], set: { alias: 'cdn', region: 'us-east-1' } },
    ...regions.map((region, index) => regionModule(deployment, region, index === 0)),
    homeModule(deployment),
    ...(deployment.media === null || deployment.names.media === null ? [] : [mediaModule(deployment)]),
  ]
}

export function variableBlocks({ enterprise, media, names }: Deployment): Block[] {
  const variable = (name: string, type: string, description: string, more: Record<string, Value> = {}): Block => ({
    words: ['variable', name],
    set: { type: raw(type), description, ...more },
  })
  return [
    variable(
      'networks',
      NETWORKS,
      `for each of ${enterprise.regions.map(({ name }) => name).join(', ')}: its network, private subnets, and the security groups of the cluster's nodes`,
    ),
    ...(media === null || names.media === null
      ? []
      : [variable('media_certificate_arn', 'string', `certificate in us-east-1 for ${names.media}`)]),
    variable('deletion_protection', 'bool', 'whether databases refuse to be destroyed', { default: true }),
  ]
}

const NETWORKS = 'map(object({ vpc_id = string, subnet_ids = list(string), client_security_group_ids = list(string) }))'

export function outputBlocks({ enterprise, media, names }: Deployment): Block[] {
  const output = (name: string, value: string, description: string): Block => ({
    words: ['output', name],
    set: { description, value: raw(value) },
  })
  return [
    ...enterprise.regions.map(({ name }) =>
      output(`hosts_${ident(name)}`, `module.region_${ident(name)}.hosts`, `addresses of the databases in ${name}`),
    ),
    output(
      'master_secrets',
      `merge(${enterprise.regions.map(({ name }) => `module.region_${ident(name)}.master_secrets`).join(', ')})`,
      'where the cloud keeps the passwords of the masters',
    ),
    output('settings_secret', 'module.home.settings_secret', 'what External Secrets reads'),
    ...(media === null || names.media === null
      ? []
      : [output('media_domain', 'module.media.domain', `what ${names.media} is an alias of`)]),
  ]
}

function provider(region: Region): Block {
  return { words: ['provider', 'aws'], set: { alias: ident(region.name), region: region.aws } }
}

function regionModule(deployment: Deployment, region: Region, isHome: boolean): Block {
  const { enterprise, name } = deployment
  const hosts = region.hosts.map(host => [
    host.name,
    { class: host.class, gb: host.gb, replicas: host.replicas, max_connections: host.connections + 40 },
  ])
  return {
    words: ['module', `region_${ident(region.name)}`],
    set: {
      source: './modules/region',
      providers: { aws: raw(`aws.${ident(region.name)}`) },
      name: `${name}-${region.name}`,
      network: raw(`var.networks["${region.name}"]`),
      client_cidrs: enterprise.regions.map(one => one.vpc_cidr),
      zone_id: raw('module.home.zone_id'),
      domain: enterprise.domain,
      hosts: Object.fromEntries(hosts) as Value,
      deletion_protection: raw('var.deletion_protection'),
      is_home: isHome,
    },
  }
}

function homeModule({ name, enterprise, media, secrets }: Deployment): Block {
  const [home] = enterprise.regions
  const others = enterprise.regions.slice(1)
  return {
    words: ['module', 'home'],
    set: {
      source: './modules/home',
      providers: { aws: raw(`aws.${ident(home?.name ?? '')}`) },
      name,
      network: raw(`var.networks["${home?.name}"]`),
      client_cidrs: enterprise.regions.map(one => one.vpc_cidr),
      domain: enterprise.domain,
      other_networks: Object.fromEntries(
        others.map(one => [one.aws, raw(`var.networks["${one.name}"].vpc_id`)] as const),
      ) as Value,
      redis_class: enterprise.redis_class,
      replica_regions: others.map(one => one.aws),
      media_keys: media === null ? raw('null') : raw('module.media_bucket.keys'),
      more_secrets: [...secrets],
    },
  }
}

function mediaModule({ name, names, media }: Deployment): Block {
  return {
    words: ['module', 'media'],
    set: {
      source: './modules/cdn',
      providers: { aws: raw('aws.cdn') },
      name,
      alias: names.media ?? '',
      prefix: media?.prefix ?? '',
      certificate_arn: raw('var.media_certificate_arn'),
      bucket: raw('module.media_bucket.bucket'),
    },
  }
}

/** The bucket is at home, also where it has no CDN. */
export function bucketModule({ media, names, enterprise }: Deployment): Block[] {
  if (media === null) return []
  return [
    {
      words: ['module', 'media_bucket'],
      set: {
        source: './modules/bucket',
        providers: { aws: raw(`aws.${ident(enterprise.regions[0]?.name ?? '')}`) },
        bucket: media.bucket,
        prefix: media.prefix,
        distribution_arn: names.media === null ? raw('null') : raw('module.media.arn'),
        has_cdn: names.media !== null,
      },
    },
  ]
}

/** A name of HCL: dashes may be in them, but dots of references follow. */
export function ident(name: string): string {
  return name.replaceAll('-', '_')
}
