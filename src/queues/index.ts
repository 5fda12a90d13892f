export { DEFAULT_TRIES } from './backoff.js'
export type { JobContext, JobHandler, JobPayload, JobRequest, Queue, Worker, WorkerEnd, WorkOptions } from './driver.js'
export { InlineQueue } from './inline.js'
export { RedisQueue, type RedisQueueOptions, startRedisWorker } from './redis.js'
