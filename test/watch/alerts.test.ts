import { describe, expect, onTestFinished, test } from 'vitest'
import type { App } from '../../src/app.js'
import { Failure } from '../../src/kernel/errors.js'
import { Log } from '../../src/kernel/log.js'
import { readAlertRows } from '../../src/watch/alert-rows.js'
import { AlertKeeper } from '../../src/watch/alerts.js'
import { QueuesAway } from '../../src/watch/gather.js'
import type { Overview } from '../../src/watch/overview.js'
import { temporaryFolder } from '../support/folders.js'
import { describeDatabases } from '../tenants/installation.js'
import { AT, overviewOf, queueOf } from './made-up.js'
import { Receiver } from './receiver.js'
import { clear, openParts } from './rows.js'

const LOOK_MS = 15_000
/** Looks until what is over is told to be. */
const CALM = 21
const WELL = { queues: [queueOf('sync')] }
const LATE = { queues: [queueOf('sync', { waiting: 1, oldestWaitMs: 2_000_000, paused: true })] }

/** An installation as it is seen at the time of the clock. */
class Scene {
  now = AT
  /** Of the steady clock. */
  elapsed = 0
  see: () => Promise<Overview> = async () => overviewOf()
  readonly log: string[] = []

  constructor(
    readonly app: App,
    readonly receiver: Receiver,
  ) {}

  show(facts: Partial<Overview>): void {
    this.see = async () => overviewOf({ ...facts, at: this.now })
  }

  keeper(app = this.app): AlertKeeper {
    const settings = { alertWaitS: 900, alertFailuresPercent: 25, alertNoSyncS: 0, drainMs: 0, alertRepeatS: 600 }
    const config = { ...settings, alertWebhook: `http://user:secret@${this.receiver.address}/secret` }
    const log = new Log(line => this.log.push(line))
    const keeper = new AlertKeeper({
      catalog: app.catalog,
      config,
      log,
      overview: () => this.see(),
      now: () => this.now,
      elapsed: () => this.elapsed,
    })
    onTestFinished(() => keeper.close())
    return keeper
  }

  /** So many looks by each of the keepers, with time between them. */
  async look(count: number, ...keepers: AlertKeeper[]): Promise<void> {
    for (let index = 0; index < count; index++) {
      for (const keeper of keepers) await keeper.look()
      this.now += LOOK_MS
      this.elapsed += LOOK_MS
    }
  }

  get rows() {
    return readAlertRows(this.app.catalog)
  }
}

async function sceneOn(env: Readonly<Record<string, string>>): Promise<Scene> {
  const app = await openParts(env)
  await clear(app)
  return new Scene(app, await Receiver.open())
}

const scene = () => sceneOn({ FEEDCTL_DATA: temporaryFolder() })

describeDatabases('the keeper of alerts', env => {
  test('tells of one once, reminds of it, and tells once that it is over', async () => {
    const here = await sceneOn(env)
    const keeper = here.keeper()
    await here.look(3, keeper)
    here.show(LATE)
    await here.look(1, keeper)
    expect(here.receiver.told).toEqual([])
    await here.look(3, keeper)
    expect(here.receiver.told).toEqual(['alert queue-wait:sync'])
    expect(await here.rows).toEqual([
      {
        ...{ name: 'queue-wait:sync', since: AT + 3 * LOOK_MS, toldAt: AT + 4 * LOOK_MS, told: 1 },
        message: 'the oldest job of the queue sync has waited 2000 s, more than 900 s; the queue is paused',
      },
    ])
    await here.look(40, keeper)
    here.show(WELL)
    await here.look(CALM, keeper)
    expect(here.receiver.told).toEqual(['alert queue-wait:sync', 'reminder queue-wait:sync', 'recovery queue-wait:sync'])
    expect(here.receiver.deliveries.map(({ body }) => [body.told, body.lasted_ms])).toEqual([
      [1, LOOK_MS],
      [2, 41 * LOOK_MS],
      [2, 44 * LOOK_MS],
    ])
    expect(await here.rows).toEqual([])
    expect(here.log.map(line => line.split(' ').slice(1, 6).join(' '))).toEqual([
      'warn alert: the oldest job',
      'warn alert still stands: the',
      'warn alert is over: the',
    ])
  })

  test('tells nothing twice after a restart, and tells what is over by then', async () => {
    const here = await sceneOn(env)
    here.show(LATE)
    const first = here.keeper()
    await here.look(3, first)
    await first.close()
    const second = here.keeper()
    await here.look(5, second)
    expect(here.receiver.told).toEqual(['alert queue-wait:sync'])
    await second.close()
    here.show(WELL)
    await here.look(CALM, here.keeper())
    expect(here.receiver.told).toEqual(['alert queue-wait:sync', 'recovery queue-wait:sync'])
  })

  test('is one of several, and another goes on when it is gone without a word', async () => {
    const here = await sceneOn(env)
    const others = await openParts(env)
    const [first, second, third] = [here.keeper(), here.keeper(others), here.keeper(others)]
    here.show(LATE)
    await here.look(5, first, second, third)
    expect(here.receiver.told).toEqual(['alert queue-wait:sync'])
    here.show(WELL)
    await here.look(4, second, third)
    expect(here.receiver.told).toHaveLength(1)
    await here.look(6 + CALM, second, third)
    await here.look(4, second, third, first)
    expect(here.receiver.told).toEqual(['alert queue-wait:sync', 'recovery queue-wait:sync'])
  })
})

describe('a webhook that takes nothing', () => {
  test('is tried again with each look; the log has each event once, and nothing of the URL but the host', async () => {
    const here = await scene()
    const keeper = here.keeper()
    here.show(LATE)
    here.receiver.refuse(403)
    await here.look(4, keeper)
    expect(await here.rows).toMatchObject([{ toldAt: null, told: 0 }])
    expect(here.log.filter(line => line.includes('alert: '))).toHaveLength(1)
    expect(
      here.log.filter(line => line.includes(`not delivered, it is tried again`) && line.includes(here.receiver.address)),
    ).toHaveLength(3)
    here.receiver.accept()
    await here.look(2, keeper)
    expect(here.receiver.told).toHaveLength(4)
    expect(await here.rows).toMatchObject([{ toldAt: AT + 4 * LOOK_MS, told: 1 }])
    expect(here.log.join('\n')).not.toContain('secret')
  })

  test('is not told of the end of what it never heard of', async () => {
    const here = await scene()
    const keeper = here.keeper()
    here.show(LATE)
    here.receiver.refuse(403)
    await here.look(2, keeper)
    here.receiver.accept()
    here.show(WELL)
    await here.look(CALM, keeper)
    expect(here.receiver.told).toEqual(['alert queue-wait:sync'])
    expect(await here.rows).toEqual([])
    expect(here.log.at(-1)).toContain('alert is over')
  })

  test('is tried for one alert of a look, and for the others with the next', async () => {
    const here = await scene()
    const keeper = here.keeper()
    here.show({ queues: ['sync', 'media', 'analytics'].map(name => queueOf(name as 'sync', { oldestWaitMs: 2_000_000 })) })
    here.receiver.refuse(403)
    await here.look(2, keeper)
    expect(here.receiver.told).toHaveLength(1)
    here.receiver.accept()
    await here.look(1, keeper)
    expect(here.receiver.told.slice(1).sort()).toEqual([
      'alert queue-wait:analytics',
      'alert queue-wait:media',
      'alert queue-wait:sync',
    ])
  })
})

describe('while Redis does not answer', () => {
  const away = async () => {
    throw new QueuesAway(new Failure('UNAVAILABLE', 'the queue does not answer: connect ECONNREFUSED'))
  }

  test('that is told after a minute, and nothing is told to be over', async () => {
    const here = await scene()
    const keeper = here.keeper()
    here.show(LATE)
    await here.look(2, keeper)
    const wentAt = here.now
    here.see = away
    await here.look(5, keeper)
    expect(here.receiver.told).toEqual(['alert queue-wait:sync'])
    await here.look(20, keeper)
    expect(here.receiver.told).toEqual(['alert queue-wait:sync', 'alert queue-unreachable'])
    expect(here.receiver.deliveries[1]?.body).toMatchObject({
      since: new Date(wentAt).toISOString(),
      message: 'the queues cannot be reached for 75 s: the queue does not answer: connect ECONNREFUSED',
    })
    here.show(WELL)
    await here.look(CALM, keeper)
    expect(here.receiver.told.slice(2).sort()).toEqual(['recovery queue-unreachable', 'recovery queue-wait:sync'])
  })

  test('that is told after a minute, also when the clock is set back meanwhile, and not sooner when it is set forward', async () => {
    const here = await scene()
    const keeper = here.keeper()
    here.see = away
    await here.look(1, keeper)
    here.now += 7_200_000
    await here.look(3, keeper)
    expect(here.receiver.told).toEqual([])
    here.now -= 14_400_000
    await here.look(2, keeper)
    expect(here.receiver.told).toEqual(['alert queue-unreachable'])
  })

  test('for less than a minute nothing is told', async () => {
    const here = await scene()
    const keeper = here.keeper()
    for (let count = 0; count < 4; count++) {
      here.see = away
      await here.look(4, keeper)
      here.show(WELL)
      await here.look(1, keeper)
    }
    expect(here.receiver.told).toEqual([])
  })
})

test('a keeper that starts looks by itself, and closing it ends a delivery under way and frees the turn', async () => {
  const here = await scene()
  const keeper = here.keeper()
  here.show(LATE)
  await here.look(1, keeper)
  const posted = new Promise<void>(resolve => {
    here.receiver.answer = () => resolve()
  })
  keeper.start()
  await posted
  await keeper.close()
  expect(await here.app.catalog.kysely.selectFrom('locks').select('name').execute()).toEqual([])
  expect(await here.rows).toMatchObject([{ name: 'queue-wait:sync', told: 0 }])
})

test('a webhook that is no URL is refused when the keeper is made', async () => {
  const { app } = await scene()
  const config = {
    alertWaitS: 0,
    alertFailuresPercent: 0,
    alertNoSyncS: 0,
    drainMs: 0,
    alertRepeatS: 600,
    alertWebhook: 'secret',
  }
  const make = () => new AlertKeeper({ catalog: app.catalog, config, log: new Log(() => {}), overview: async () => overviewOf() })
  expect(make).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})
