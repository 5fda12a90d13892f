import type { Io } from '../src/cli/io.js'
import type { Program } from './program.js'

/** A first word of the command line. Its file is loaded only when it was typed. */
export interface Word {
  readonly description: string
  readonly load: () => Promise<{ register: Register }>
}

/** Adds the word's command to the program. `loadAll` gives a program with every word, for the command that speaks about all. */
export type Register = (program: Program, io: Io, loadAll: () => Promise<Program>) => void

/** Every first word, in the order help shows them. */
export const WORDS: Readonly<Record<string, Word>> = {
  init: { description: 'create or upgrade the catalog', load: () => import('./init.js') },
  config: { description: 'show the effective settings and where each comes from', load: () => import('./config.js') },
  tenant: { description: 'create, list, change and delete tenants', load: () => import('./tenant.js') },
  host: { description: 'add, list and drain the database hosts that tenants are placed on', load: () => import('./host.js') },
  feed: { description: 'add, find, list, explain, import, export and prune feeds', load: () => import('./feed.js') },
  sync: { description: 'fetch the feeds of some tenants, or of all, and store what is new', load: () => import('./sync.js') },
  queue: {
    description: 'run and supervise workers; look into the queues, retry, forget, pause',
    load: () => import('./queue.js'),
  },
  top: { description: 'a live screen of queues, workers, the sync run and tenants', load: () => import('./top.js') },
  media: {
    description: "move tenants' media to the bucket and back, verify and prune it",
    load: () => import('./media.js'),
  },
  serve: { description: 'serve the HTTP API, and media files by signed links', load: () => import('./serve.js') },
  analytics: { description: 'take events in, count them, and report what was counted', load: () => import('./analytics.js') },
  schedule: { description: 'begin syncs and maintenance by itself, or print what does', load: () => import('./schedule.js') },
  doctor: { description: 'check the installation, and say what mends it', load: () => import('./doctor.js') },
  bench: { description: 'measure this machine with generated load', load: () => import('./bench.js') },
  infra: { description: 'write the files of a deployment, from one description', load: () => import('./infra.js') },
  demo: { description: 'show the whole system on the embedded defaults, offline', load: () => import('./demo.js') },
  completion: { description: 'print the completion script of a shell', load: () => import('./completion.js') },
}
