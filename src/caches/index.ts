export type { Cache } from './driver.js'
export { LayeredCache } from './layered.js'
export { MemoryCache } from './memory.js'
export { RedisCache } from './redis.js'
