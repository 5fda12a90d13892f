import type { Io } from '../src/cli/io.js'
import { registerDocuments } from './feed/documents.js'
import { registerOpml, registerSubscriptions } from './feed/subscriptions.js'
import { examples, type Program } from './program.js'

export function register(program: Program, io: Io): void {
  const feed = program.command('feed')
  registerSubscriptions(feed, io)
  registerOpml(feed, io)
  registerDocuments(feed, io)
  examples(feed, ['feedctl feed add acme https://example.com/feed.xml', 'feedctl feed list acme', 'feedctl feed parse feed.xml'])
}
