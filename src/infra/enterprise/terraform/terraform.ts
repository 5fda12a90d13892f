import type { Deployment } from '../../description/schema.js'
import { inFolder, MARK, type RenderedFile } from '../../files.js'
import { BUCKET_MODULE } from './bucket-module.js'
import { CDN_MODULE } from './cdn-module.js'
import { type Block, hcl } from './hcl.js'
import { HOME_MODULE } from './home-module.js'
import { REGION_MODULE } from './region-module.js'
import { bucketModule, outputBlocks, rootBlocks, variableBlocks } from './root.js'

/** Databases, Redis, names, secrets, media and their CDN at AWS; the clusters and their networks are there already. */
export function terraformFiles(deployment: Deployment): RenderedFile[] {
  const { media, names } = deployment
  const file = (path: string, about: string, text: string) => inFolder(`terraform/${path}`, about, `${MARK}\n${text}`)
  const blocks = (path: string, about: string, all: readonly Block[]) => file(path, about, hcl(all))
  return [
    blocks('main.tf', 'regions, what is at home, media', [...rootBlocks(deployment), ...bucketModule(deployment)]),
    blocks('variables.tf', 'what only the operator knows: networks, certificate', variableBlocks(deployment)),
    blocks('outputs.tf', 'addresses, and where secrets are', outputBlocks(deployment)),
    file('modules/region/main.tf', 'database hosts of a region, with their replicas', REGION_MODULE),
    file('modules/home/main.tf', 'Redis, private names, the secret that External Secrets reads', HOME_MODULE),
    ...(media === null ? [] : [file('modules/bucket/main.tf', 'the bucket of media, and its keys', BUCKET_MODULE)]),
    ...(media === null || names.media === null
      ? []
      : [file('modules/cdn/main.tf', 'CloudFront in front of the bucket', CDN_MODULE)]),
  ]
}
