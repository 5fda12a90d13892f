import { z } from 'zod'
import { enterpriseSchema } from './enterprise.js'
import { bucket, database, hostName, name, path, port, word } from './kinds.js'
import { namesSchema, scaleSchema } from './scale.js'

/** A bucket that speaks S3. */
const mediaSchema = z
  .strictObject({
    bucket: bucket.default('feedctl-media'),
    region: word.default('eu-central-1'),
    endpoint: hostName.default('s3.eu-central-1.wasabisys.com'),
    port: port.default(443),
    /** The bucket's name is part of the path, not of the host: `https://endpoint/bucket/key`. */
    path_style: z.boolean().default(false),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, 'is not one word of letters, digits, - and _')
      .default('media'),
    /** Null: it is added on the machines, as the secret key is. */
    access_key_id: word.nullable().default(null),
    /** Certificates that the bucket's is proven by. */
    authorities: path.default('/etc/ssl/certs/ca-certificates.crt'),
  })
  .nullable()
  .prefault({})

/** All that is rendered comes from here. Every key has a default. */
export const deploymentSchema = z.strictObject({
  /** Of the installation: start of names in the cloud, label of its figures. */
  name: name.default('feedctl'),
  names: namesSchema,
  /** Of feedctl's databases. */
  database: z
    .strictObject({
      catalog: database.default('feedctl'),
      username: database.default('feedctl'),
      prefix: database.default('tenant_'),
    })
    .prefault({}),
  media: mediaSchema,
  /** Further settings of feedctl, by their names; no secrets. */
  settings: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
  /** Names of secret settings that the machines have beside those that are always there; the values are never here. */
  secrets: z.array(z.string()).default([]),
  scale: scaleSchema,
  enterprise: enterpriseSchema,
})

export type Deployment = z.output<typeof deploymentSchema>
export type Media = NonNullable<Deployment['media']>
