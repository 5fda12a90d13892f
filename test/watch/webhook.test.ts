import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import { isFailure } from '../../src/kernel/errors.js'
import type { Telling } from '../../src/watch/alert-decision.js'
import { Webhook } from '../../src/watch/webhook.js'
import { findFreePort } from '../support/server.js'
import { AT } from './made-up.js'
import { Receiver } from './receiver.js'

const NEVER = new AbortController().signal
const telling: Telling = {
  ...{ event: 'reminder', name: 'no-sync', message: 'no tenant was synced', since: AT - 60_000, at: AT },
  ...{ lastedMs: 60_000, told: 3, value: 60, lastTry: false },
}

async function refusal(webhook: Webhook, signal = NEVER): Promise<string> {
  const failure = await webhook.post(telling, signal).catch(error => error)
  expect(isFailure(failure, 'UNAVAILABLE')).toBe(true)
  expect(`${failure.message}${failure.stack}${failure.cause}`).not.toMatch(/secret/)
  return failure.message
}

test('an alert is posted as one JSON object', async () => {
  const receiver = await Receiver.open()
  await new Webhook(`http://${receiver.address}/hook?key=secret`).post(telling, NEVER)
  expect(receiver.deliveries).toEqual([
    {
      path: 'POST /hook?key=secret',
      headers: expect.objectContaining({ 'content-type': 'application/json' }),
      body: {
        event: 'reminder',
        name: 'no-sync',
        message: 'no tenant was synced',
        since: '2026-03-01T11:59:00.000Z',
        at: '2026-03-01T12:00:00.000Z',
        lasted_ms: 60_000,
        told: 3,
        host: hostname(),
      },
    },
  ])
})

test('a name and password in the URL are sent as such', async () => {
  const receiver = await Receiver.open()
  await new Webhook(`http://us%40er:s%3Acret@${receiver.address}/`).post(telling, NEVER)
  const basic = Buffer.from('us@er:s:cret').toString('base64')
  expect(receiver.deliveries[0]?.headers.authorization).toBe(`Basic ${basic}`)
})

test.each([
  [500, 3],
  [429, 3],
  [404, 1],
  [302, 1],
])('status %i is no delivery, and tried %i times', async (status, tries) => {
  const receiver = await Receiver.open()
  receiver.answer = response => void response.writeHead(status, { location: 'http://127.0.0.1:1/secret' }).end()
  expect(await refusal(new Webhook(`http://${receiver.address}/secret`))).toBe(`${receiver.address}: it answered ${status}`)
  expect(receiver.deliveries).toHaveLength(tries)
})

test('a receiver that is back at the second try has it', async () => {
  const receiver = await Receiver.open()
  receiver.answer = response => {
    receiver.accept()
    response.destroy()
  }
  await new Webhook(`http://${receiver.address}/`).post(telling, NEVER)
  expect(receiver.deliveries).toHaveLength(2)
})

test('where nobody listens it is said, with the host and nothing more of the URL', async () => {
  const port = await findFreePort()
  expect(await refusal(new Webhook(`http://user:secret@127.0.0.1:${port}/secret?secret=1`))).toBe(
    `127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`,
  )
})

test('one that does not answer is given up after seconds', async () => {
  const receiver = await Receiver.open()
  receiver.answer = () => {}
  expect(await refusal(new Webhook(`http://${receiver.address}/secret`))).toBe(`${receiver.address}: no answer within 5 s`)
  expect(receiver.deliveries).toHaveLength(1)
})

test('a delivery under way ends with the signal', async () => {
  const receiver = await Receiver.open()
  const stop = new AbortController()
  receiver.answer = () => stop.abort(new Error('stop'))
  expect(await refusal(new Webhook(`http://${receiver.address}/`), stop.signal)).toBe(`${receiver.address}: it was interrupted`)
})

test.each(['secret', 'ftp://secret/', 'http://', 'http://user:%E0%A4%A@secret/'])('%s is refused without being shown', url => {
  const refused = () => new Webhook(url)
  expect(refused).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: 'FEEDCTL_ALERT_WEBHOOK is not an http(s) URL' }),
  )
})
