// A process of its own around the built parser, so that whatever a document does to it can be ended, and its CPU time and memory are its own.
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

process.on('message', async ({ input, twice, keep }) => {
  const body = new Uint8Array(input.body)
  const start = process.cpuUsage()
  const seen = await attempt({ ...input, body })
  const took = cpuMs(start)
  const again = twice ? await attempt({ ...input, body }) : null
  const posts = seen.kind === 'document' ? (seen.document.posts?.length ?? 0) : 0
  process.send({
    seen: keep || seen.kind !== 'document' ? seen : { kind: 'document', document: null },
    posts,
    cpuMs: took,
    maxRssMb: process.resourceUsage().maxRSS / 1024,
    stable: again === null || JSON.stringify(again) === JSON.stringify(seen),
  })
})
process.send('ready')
