import { describe, expect, it } from 'vitest'
import { runCli } from '../support/cli.js'

describe('feedctl queue supervise', () => {
  it.each(['foo', '99999', 'a b:9464', ''])('refuses --metrics %j before it opens anything', async metrics => {
    // Nothing listens there: what is opened first would be what is told of.
    const env = {
      QUEUE_CONNECTION: 'redis',
      REDIS_URL: 'redis://127.0.0.1:1',
      DB_CONNECTION: 'mysql',
      DB_HOST: '127.0.0.1',
      DB_PORT: '1',
    }
    const { exit, out, err } = await runCli(['queue', 'supervise', `--metrics=${metrics}`], { env })
    expect([exit, out]).toEqual([2, ''])
    expect(err).toBe(
      `error: --metrics ${JSON.stringify(metrics)} is no port to listen on (USAGE)\n  try: --metrics 9464, or --metrics 0.0.0.0:9464\n`,
    )
  })
})
