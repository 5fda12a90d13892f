import type { Check } from './check.js'
import { alertsWatched } from './checks/alerts.js'
import { analyticsBacklog, analyticsDamaged } from './checks/analytics.js'
import { certificates } from './checks/certificates.js'
import { clockSkew } from './checks/clock.js'
import { databaseDurability, databaseMaxConnections, databaseReachable, databaseSchema } from './checks/database.js'
import { databaseVersion } from './checks/database-version.js'
import { diskSpace } from './checks/disk.js'
import { hostsAnswer, hostsBudget, hostsRoom } from './checks/hosts.js'
import { limitsBacklog, limitsOpenFiles, limitsPorts } from './checks/limits.js'
import { locksStale } from './checks/locks.js'
import { mediaLocalSpace, mediaMigration } from './checks/media.js'
import { mediaIntake } from './checks/media-intake.js'
import { tenantsSchema } from './checks/migrations.js'
import { movesStanding } from './checks/moves.js'
import { nodeVersion } from './checks/node.js'
import {
  orphansDatabases,
  orphansJobs,
  orphansKeys,
  orphansMedia,
  orphansObjects,
  orphansPlacements,
  orphansRows,
  orphansUsers,
} from './checks/orphans.js'
import { phaseOutgrown } from './checks/phase.js'
import { tenantsPlaced } from './checks/placed.js'
import { supervisorAlive, workersAge } from './checks/processes.js'
import { queuesConsuming, queuesFailed, queuesQuarantine } from './checks/queues.js'
import { redisAppendOnly, redisEvictionPolicy, redisMemory, redisReachable, redisVersion } from './checks/redis.js'
import { redisCluster } from './checks/redis-cluster.js'
import { databaseReplicas } from './checks/replicas.js'
import { tenantsResidents } from './checks/residents.js'
import { databaseRights } from './checks/rights.js'
import { schedule } from './checks/schedule.js'
import { settings, settingsDrivers, settingsSessions } from './checks/settings.js'
import { sourcesFailing, sourcesUnforgotten } from './checks/sources.js'
import { wasabiBucket, wasabiClock, wasabiCredentials } from './checks/wasabi.js'
import { wasabiChecksums, wasabiListParts, wasabiPublicAccess, wasabiWrongMd5 } from './checks/wasabi-answers.js'
import { wasabiConcurrency } from './checks/wasabi-concurrency.js'

/** Every check, in the order findings are shown. */
export const CHECKS: readonly Check[] = [
  nodeVersion,
  settings,
  settingsDrivers,
  settingsSessions,
  databaseReachable,
  databaseVersion,
  databaseSchema,
  tenantsSchema,
  tenantsPlaced,
  tenantsResidents,
  databaseMaxConnections,
  databaseDurability,
  hostsAnswer,
  hostsRoom,
  hostsBudget,
  databaseRights,
  databaseReplicas,
  redisReachable,
  redisVersion,
  redisAppendOnly,
  redisEvictionPolicy,
  redisMemory,
  redisCluster,
  queuesConsuming,
  queuesQuarantine,
  queuesFailed,
  workersAge,
  supervisorAlive,
  schedule,
  alertsWatched,
  locksStale,
  movesStanding,
  diskSpace,
  limitsOpenFiles,
  limitsBacklog,
  limitsPorts,
  clockSkew,
  certificates,
  sourcesFailing,
  sourcesUnforgotten,
  wasabiCredentials,
  wasabiBucket,
  wasabiClock,
  wasabiChecksums,
  wasabiWrongMd5,
  wasabiListParts,
  wasabiPublicAccess,
  wasabiConcurrency,
  mediaIntake,
  mediaMigration,
  mediaLocalSpace,
  analyticsBacklog,
  analyticsDamaged,
  orphansDatabases,
  orphansPlacements,
  orphansUsers,
  orphansRows,
  orphansMedia,
  orphansObjects,
  orphansKeys,
  orphansJobs,
  phaseOutgrown,
]
