import type { Io } from '../src/cli/io.js'
import { registerDiscover } from './feed/discover.js'
import { registerDocuments } from './feed/documents.js'
import { registerExplain } from './feed/explain.js'
import { registerRetention } from './feed/retention.js'
import { registerOpml, registerSubscriptions } from './feed/subscriptions.js'
import { examples, type Program } from './program.js'

export function register(program: Program, io: Io): void {
  const feed = program.command('feed')
  registerSubscriptions(feed, io)
  registerOpml(feed, io)
  registerExplain(feed, io)
  registerDiscover(feed, io)
  registerRetention(feed, io)
  registerDocuments(feed, io)
  examples(feed, [
    'feedctl feed add acme https://example.com/feed.xml',
    'feedctl feed discover https://example.com/',
    'feedctl feed list acme',
    'feedctl feed explain acme 1',
    'feedctl feed parse feed.xml',
  ])
}
