import { wordsOf } from '../../kernel/errors.js'
import { type FeedServerOptions, startFeedServer } from './server.js'

// A feed server as a process of its own: options as JSON in the first argument, its address as one line of JSON on
// stdout. It ends on SIGTERM and SIGINT, and with its parent: when stdin ends or the IPC channel closes.
try {
  const server = await startFeedServer(JSON.parse(process.argv[2] ?? '{}') as FeedServerOptions)
  const stop = () => {
    // What is left open keeps the process alive, so it is let go of rather than forced to exit.
    process.stdin.destroy()
    if (process.connected) process.disconnect()
    void server.close()
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  process.once('disconnect', stop)
  process.stdin.once('end', stop).once('error', stop).resume()
  // The parent may be gone before it reads this; then stdin has ended too.
  process.stdout.on('error', stop)
  process.stdout.write(`${JSON.stringify({ ...server.address, origin: server.origin })}\n`)
} catch (error) {
  process.stderr.write(`${wordsOf(error)}\n`)
  process.exitCode = 1
}
