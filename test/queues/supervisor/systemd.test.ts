import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Log } from '../../../src/kernel/log.js'
import { Systemd, watchdogMs, withoutSystemd } from '../../../src/queues/supervisor/systemd.js'
import { temporaryFolder } from '../../support/folders.js'
import { hasSystemdPrograms, SystemdSocket } from '../../support/systemd-socket.js'

describe('systemd', () => {
  test.skipIf(!hasSystemdPrograms)(
    'hears of a service in the order of what happens to it (needs systemd-notify and python3)',
    async () => {
      using receiver = await SystemdSocket.create()
      const systemd = new Systemd({ ...receiver.env, WATCHDOG_USEC: '20000000' }, new Log(() => {}), 4711, 60_000)
      systemd.ready('working: 1 of 1 workers consume')
      systemd.say('working: 1 of 1 workers consume')
      for (const now of [1_000, 5_000, 10_999, 11_000]) systemd.turn(now)
      systemd.say('working: 2 of 2 workers consume')
      systemd.reloading()
      systemd.stopping()
      await systemd.told()
      const told = () => receiver.told()
      await expect.poll(told, { timeout: 10_000 }).toHaveLength(6)
      expect(
        told().map(message =>
          message
            .replace('MAINPID=4711|', '')
            .replace('|MAINPID=4711', '')
            .replace(/\d{6,}/, 'N'),
        ),
      ).toEqual([
        'READY=1|STATUS=working: 1 of 1 workers consume',
        'WATCHDOG=1',
        'WATCHDOG=1',
        'STATUS=working: 2 of 2 workers consume',
        'RELOADING=1|MONOTONIC_USEC=N',
        'STOPPING=1',
      ])
      expect(told()[0]).toContain('MAINPID=4711')
    },
  )

  test('is told again that the service is ready, and that it reloads, when its program failed', async () => {
    const folder = temporaryFolder()
    const log = join(folder, 'log')
    // Every other call fails, the first one included.
    const program = `#!/bin/sh\necho "$2" >>${log}\n[ $(($(wc -l <${log}) % 2)) = 0 ]\n`
    writeFileSync(join(folder, 'systemd-notify'), program, { mode: 0o755 })
    const env = { PATH: `${folder}:${process.env.PATH}`, NOTIFY_SOCKET: '/nonexistent/notify' }
    const systemd = new Systemd(env, new Log(() => {}), 4711, 60_000)
    systemd.ready('working')
    systemd.reloading()
    systemd.stopping()
    await systemd.told()
    const told = readFileSync(log, 'utf8').trim().split('\n')
    expect(told).toEqual(['READY=1', 'READY=1', 'RELOADING=1', 'RELOADING=1', 'STOPPING=1'])
  })

  test('is told nothing where it does not listen', async () => {
    const lines: string[] = []
    const systemd = new Systemd({ PATH: '/nonexistent' }, new Log(line => lines.push(line), 'debug'))
    systemd.ready('working')
    systemd.stopping()
    await systemd.told()
    expect(lines).toEqual([])
  })

  test('is missed once where its program is missing', async () => {
    const lines: string[] = []
    const systemd = new Systemd({ PATH: '/nonexistent', NOTIFY_SOCKET: '/nonexistent/notify' }, new Log(line => lines.push(line)))
    systemd.ready('working')
    systemd.stopping()
    await systemd.told()
    expect(lines).toEqual([expect.stringContaining('systemd-notify is not there')])
  })

  test('waits for a sign of life at half of the time it allows, of the process it means', () => {
    expect(watchdogMs({}, 7)).toBeNull()
    expect(watchdogMs({ WATCHDOG_USEC: '0' }, 7)).toBeNull()
    expect(watchdogMs({ WATCHDOG_USEC: '60000000' }, 7)).toBe(30_000)
    expect(watchdogMs({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '7' }, 7)).toBe(30_000)
    expect(watchdogMs({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '8' }, 7)).toBeNull()
  })

  test('is nothing that workers hear of', () => {
    expect(withoutSystemd({ NOTIFY_SOCKET: '/x', WATCHDOG_USEC: '1', WATCHDOG_PID: '1', PATH: '/bin' })).toEqual({ PATH: '/bin' })
  })
})
