import type { Side } from './side.js'

/** Numbers from 0 to below the limit. */
export type Draw = (limit: number) => number

/** What can be done to a tenant; what it answers is the same for the same draws and the same rows. */
export type Deed = (side: Side, draw: Draw) => Promise<unknown>

/** The same for the same seed. */
export function drawing(seed: number): Draw {
  let state = seed
  return limit => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return Math.floor((state / 2 ** 32) * limit)
  }
}
