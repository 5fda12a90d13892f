// A process of its own around the built parser, so that whatever a document does to it can be ended, and its CPU time and memory are its own.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const { parseDocument } = await import(pathToFileURL(process.argv[2]).href)

async function attempt(input) {
  try {
    return { kind: 'document', document: await parseDocument(input) }
  } catch (error) {
    const { name, code, exit, message } = error ?? {}
    if (name === 'Failure') return { kind: 'failure', code, exit, message }
    return { kind: 'thrown', words: String(error?.stack ?? error).slice(0, 2_000) }
  }
}

function cpuMs(since) {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}

/** CPU ms of work that is always the same: how fast the machine is just now. */
function pace() {
  const start = process.cpuUsage()
  let text = ''
  for (let n = 0; n < 60_000; n++) text += String.fromCharCode(97 + ((n * 7919) % 26))
  let sum = 0
  for (let round = 0; round < 40; round++) for (let at = 0; at < text.length; at++) sum = (sum * 31 + text.charCodeAt(at)) | 0
  return cpuMs(start) + (sum === 0 ? 1 : 0)
}

/** The kernel's figure for maxRSS starts from the process that forked this one; that of /proc starts with the program. */
function peakRssMb() {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024
  } catch {
    return process.resourceUsage().maxRSS / 1024
  }
}

process.on('message', async ({ input, twice, keep, paced }) => {
  const body = new Uint8Array(input.body)
  const before = paced ? pace() : 0
  const start = process.cpuUsage()
  const seen = await attempt({ ...input, body })
  const took = cpuMs(start)
  const paceMs = paced ? (before + pace()) / 2 : null
  const again = twice ? await attempt({ ...input, body }) : null
  const posts = seen.kind === 'document' ? (seen.document.posts?.length ?? 0) : 0
  process.send({
    seen: keep || seen.kind !== 'document' ? seen : { kind: 'document', document: null },
    posts,
    cpuMs: took,
    paceMs,
    maxRssMb: peakRssMb(),
    stable: again === null || JSON.stringify(again) === JSON.stringify(seen),
  })
})
// Compiled before it counts.
for (let round = 0; round < 5; round++) pace()
process.send('ready')
