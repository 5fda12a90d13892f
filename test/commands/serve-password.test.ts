import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { PasswordCheck } from '../../src/api/sessions/password.js'
import { readHiddenLine } from '../../src/cli/hidden-line.js'
import { KeptText, runCli } from '../support/cli.js'

const ARGV = ['serve', 'password']

test('the setting that is printed opens with the password, and with no other', async () => {
  const { exit, out, err } = await runCli(ARGV, { stdin: 'pässword-of-ten\nnot this line' })
  expect([exit, err]).toEqual([0, ''])
  const [, setting = ''] = /^FEEDCTL_OPS_PASSWORD_HASH=(scrypt:15:8:3:[\w-]{22}:[\w-]{43})\n$/.exec(out) ?? []
  const check = new PasswordCheck(setting)
  expect(
    await Promise.all(['pässword-of-ten', 'pa\u0308ssword-of-ten', 'password-of-ten', ''].map(one => check.isRight(one))),
  ).toEqual([true, true, false, false])
  // It is one that the settings take, and it is never shown.
  const config = await runCli(['config', '--json'], { env: { FEEDCTL_OPS_PASSWORD_HASH: setting } })
  expect(config.exit).toBe(0)
  expect(config.out).not.toContain(setting)
})

test('two hashes of a password differ, and scripts get a document', async () => {
  const [one, two] = await Promise.all([1, 2].map(() => runCli([...ARGV, '--json'], { stdin: '0123456789' })))
  expect(JSON.parse(one?.out ?? '')).toEqual({
    setting: { name: 'FEEDCTL_OPS_PASSWORD_HASH', value: expect.stringMatching(/^scrypt:/) },
  })
  expect(one?.out).not.toBe(two?.out)
})

test.each([
  ['none', '', 'fewer than 10 characters'],
  ['a short one', '123456789\n', 'fewer than 10 characters'],
  ['nine characters of many bytes', '😀'.repeat(9), 'fewer than 10 characters'],
  ['a book', 'x'.repeat(1025), 'longer than 1024 bytes'],
])('%s is refused', async (_what, stdin, why) => {
  const { exit, out, err } = await runCli(ARGV, { stdin })
  expect([exit, out]).toEqual([2, ''])
  expect(err).toContain(`the password ${why === 'fewer than 10 characters' ? 'has' : 'is'} ${why}`)
})

test('a hash that cannot be verified is refused before anything is served', async () => {
  const env = { FEEDCTL_OPS_PASSWORD_HASH: `scrypt:31:8:1:${'a'.repeat(22)}:${'b'.repeat(43)}` }
  const { exit, err } = await runCli(['serve'], { env })
  expect(exit).toBe(3)
  expect(err).toContain('FEEDCTL_OPS_PASSWORD_HASH=(secret) is not a hash that `feedctl serve password` prints')
})

/** A terminal, and what was asked of it. */
function terminal() {
  const raw: boolean[] = []
  const keys = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (on: boolean) => raw.push(on) })
  return { keys, raw, shown: new KeptText(true), controller: new AbortController() }
}

test('what is typed is not shown, and can be corrected', async () => {
  const { keys, raw, shown, controller } = terminal()
  const line = readHiddenLine(keys, shown, 'Password: ', controller.signal)
  const euro = Buffer.from('€')
  for (const typed of ['wrong\u0015se', 'x\u007fcret\b', 't ']) keys.write(typed)
  keys.write(euro.subarray(0, 1))
  keys.write(euro.subarray(1))
  keys.write('\u001b\rmore')
  expect(await line).toBe('secret €')
  expect([shown.text, raw]).toEqual(['Password: \n', [true, false]])
})

test.each([
  ['Ctrl-C', (keys: PassThrough) => keys.write('abc\u0003')],
  ['Ctrl-D', (keys: PassThrough) => keys.write('\u0004')],
  ['the end of the terminal', (keys: PassThrough) => keys.end()],
])('%s leaves the question, and the terminal as it was', async (_what, leave) => {
  const { keys, raw, shown, controller } = terminal()
  const line = readHiddenLine(keys, shown, 'Password: ', controller.signal)
  leave(keys)
  await expect(line).rejects.toMatchObject({ code: 'INTERRUPTED' })
  expect(raw).toEqual([true, false])
})
