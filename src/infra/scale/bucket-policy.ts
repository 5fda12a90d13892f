import type { Deployment } from '../description/schema.js'
import { inFolder, type RenderedFile } from '../files.js'

export const BUCKET_POLICY = 'bucket-policy.json'

/** Where media has public links: everybody may read what is below the prefix, and nobody without a key may list. */
export function bucketPolicy({ media, names }: Deployment): RenderedFile[] {
  if (media === null || names.media === null) return []
  const statement = {
    Sid: 'PublicMedia',
    Effect: 'Allow',
    Principal: '*',
    Action: 's3:GetObject',
    Resource: `arn:aws:s3:::${media.bucket}/${media.prefix}/*`,
  }
  const text = `${JSON.stringify({ Version: '2012-10-17', Statement: [statement] }, null, 2)}\n`
  return [inFolder(BUCKET_POLICY, 'lets everybody read media, and list nothing', text)]
}
