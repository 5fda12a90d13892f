import type { Deployment } from '../description/schema.js'
import type { RenderedFile } from '../files.js'
import { monitoringFiles } from '../monitoring/prometheus.js'
import { backupFiles } from './backup.js'
import { bucketPolicy } from './bucket-policy.js'
import { databasePrograms } from './database-users.js'
import { appEnv } from './env.js'
import { databaseFiles } from './mariadb.js'
import { balancerFiles } from './nginx.js'
import { redisFiles } from './redis.js'
import { appUnits } from './units.js'

/** Every file of phase Scale: a folder for each machine, laid out as the machine is. */
export function scaleFiles(deployment: Deployment): RenderedFile[] {
  const { hosts } = deployment.scale.app
  return [
    ...balancerFiles(deployment),
    ...hosts.flatMap(host => [...appUnits(deployment, host), appEnv(deployment, host)]),
    ...databaseFiles(deployment),
    ...databasePrograms(deployment),
    ...backupFiles(deployment),
    ...redisFiles(deployment),
    ...bucketPolicy(deployment),
    ...monitoringFiles(deployment),
  ]
}
