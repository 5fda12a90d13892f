import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { pathToFileURL } from 'node:url'
import { ownUsage } from './usage.js'

// A feedctl that is measured: `node attendant.js <bin> <its arguments>`. Descriptor 3 leads to the process that measures: at its end
// feedctl writes there what it used, as JSON; and when the other end closes, feedctl is told to stop, so that it never outlives its owner.
const LIFELINE = 3

const lifeline = new Socket({ fd: LIFELINE }).unref().resume()
lifeline.once('close', () => process.kill(process.pid, 'SIGTERM'))
lifeline.on('error', () => {})

process.once('exit', () => {
  try {
    writeSync(LIFELINE, JSON.stringify(ownUsage()))
  } catch {
    // Nobody is there to be told.
  }
})

process.argv.splice(1, 1)
await import(pathToFileURL(process.argv[1] ?? '').href)
