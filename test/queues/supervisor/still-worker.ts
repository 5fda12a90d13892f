/** The source of a program that tells its supervisor of free slots, and takes nothing: its queue waits in vain. Ends on SIGTERM. */
export const STILL_WORKER = `
const supervisor = process.argv[process.argv.indexOf('--supervisor') + 1]
const startedAt = Date.now()
const queue = { name: 'sync', slots: 5, active: 0, taken: 0, looks: 0, finished: 0, failed: 0, busyMs: 0, perS: 0, recent: { finished: 0, failed: 0 } }
const tell = () => {
  queue.looks++
  process.send({ card: {
    id: 'still:' + process.pid, pid: process.pid, host: 'here', supervisor, state: 'working', startedAt, seenAt: Date.now(),
    rssBytes: process.memoryUsage.rss(), queues: [queue], jobs: [],
  } })
}
setInterval(tell, 500)
tell()
process.on('SIGTERM', () => {
  console.log(JSON.stringify({ finished: 0, failed: 0, handed_back: 0, interrupted: [], reason: 'signal' }))
  process.exit(143)
})
process.on('disconnect', () => process.exit(0))
`
