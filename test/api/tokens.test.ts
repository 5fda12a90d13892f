import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Guesses, networkOf } from '../../src/api/guesses.js'
import { Failure } from '../../src/kernel/errors.js'
import { ApiGround, errorCode } from './ground.js'
import { OwnRoute } from './own-route.js'

const wrongToken = () => `fct_${randomBytes(32).toString('base64url')}`

describe('10,000 guessed tokens', () => {
  test('cost few statements, are refused for a while, and leave those who are known alone', async () => {
    await using ground = await ApiGround.create({ FEEDCTL_API_RATE: '0' })
    const token = await ground.tenant('acme')
    await using own = await OwnRoute.serve(ground.app, async () => ({}))
    expect((await own.get(token)).status).toBe(200)
    const { server } = ground.app.catalog
    const before = server.statements
    const begun = performance.now()
    const statuses = new Map<number, number>()
    for (let batch = 0; batch < 100; batch++) {
      const answers = await Promise.all(Array.from({ length: 100 }, () => own.get(wrongToken())))
      for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
    const minutes = Math.ceil((performance.now() - begun) / 60_000)
    const looks = Math.ceil((performance.now() - begun) / 800)
    expect([...statuses.keys()].sort()).toEqual([401, 429])
    expect(statuses.get(401)).toBeLessThanOrEqual(20 * (minutes + 1))
    expect(server.statements - before).toBeLessThanOrEqual(20 * (minutes + 1) + looks)
    const refused = await own.get(wrongToken())
    expect([refused.status, errorCode(refused)]).toEqual([429, 'RATE_LIMITED'])
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60)
    expect((await own.get(token)).status).toBe(200)
  })

  test.each([
    '',
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    'Bearer a b',
    "Bearer ' or 1=1 --",
    'Bearer \u00e4',
    `Bearer ${'x'.repeat(201)}`,
  ])('and what is no token at all (%j) is 401 without a statement', async header => {
    await using ground = await ApiGround.create({})
    await using own = await OwnRoute.serve(ground.app, async () => ({}))
    const before = ground.app.catalog.server.statements
    const { ask } = await import('./ground.js')
    const answer = await ask(own.url, '/v1/own', {
      headers: header === '' ? {} : { authorization: Buffer.from(header).toString('latin1') },
    })
    expect([answer.status, errorCode(answer)]).toEqual([401, 'TOKEN_INVALID'])
    expect(answer.headers['www-authenticate']).toBe('Bearer')
    expect(ground.app.catalog.server.statements).toBe(before)
  })
})

describe('one token', () => {
  test('that is wrong is one guess a minute, however often it is sent: others of the address are looked up', async () => {
    await using ground = await ApiGround.create({ FEEDCTL_API_RATE: '0' })
    const token = await ground.tenant('acme')
    await using own = await OwnRoute.serve(ground.app, async () => ({}))
    const old = wrongToken()
    const before = ground.app.catalog.server.statements
    for (let n = 0; n < 50; n++) expect((await own.get(old)).status).toBe(401)
    expect(ground.app.catalog.server.statements).toBe(before + 1)
    expect((await own.get(token)).status).toBe(200)
  })

  test('is the same however it is spelt: looked up once, and counted by one rate', async () => {
    await using ground = await ApiGround.create({ FEEDCTL_API_RATE: '5', FEEDCTL_API_CACHE_TTL_S: '3600' })
    const token = await ground.tenant('acme')
    await using own = await OwnRoute.serve(ground.app, async () => ({}))
    const { server } = ground.app.catalog
    const [before, begun] = [server.statements, performance.now()]
    const spelt = (n: number) =>
      own.get(token, '/v1/own', { authorization: `${n % 2 === 0 ? 'Bearer' : 'bearer'}${' '.repeat(n + 1)}${token}` })
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => spelt(n)))
    expect([...new Set(answers.map(answer => answer.status))].sort()).toEqual([200, 429])
    expect(server.statements - before).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - begun) / 800))
  })

  test('that all ask for at once is one guess and one lookup', async () => {
    await using ground = await ApiGround.create({ FEEDCTL_API_RATE: '0' })
    const token = await ground.tenant('acme')
    await using own = await OwnRoute.serve(ground.app, async () => ({}))
    const { server } = ground.app.catalog
    const [before, begun] = [server.statements, performance.now()]
    const [right, wrong] = await Promise.all(
      [token, wrongToken()].map(one => Promise.all(Array.from({ length: 100 }, () => own.get(one)))),
    )
    expect([right, wrong].map(answers => new Set(answers?.map(answer => answer.status)))).toEqual([
      new Set([200]),
      new Set([401]),
    ])
    expect(server.statements - before).toBeLessThanOrEqual(2 + Math.ceil((performance.now() - begun) / 800))
  })
})

describe('guesses', () => {
  test('of one address are bounded per minute, also when all come at once; right ones are not counted', async () => {
    let now = 0
    const guesses = new Guesses(() => now, 5)
    let looked = 0
    const wrong = async () => {
      looked++
      await new Promise(resolve => setImmediate(resolve))
      return null
    }
    for (let n = 0; n < 100; n++) expect(await guesses.guess('10.0.0.1', async () => 'right')).toBe('right')
    const ends = await Promise.allSettled(Array.from({ length: 50 }, () => guesses.guess('10.0.0.1', wrong)))
    expect([looked, ends.filter(end => end.status === 'fulfilled').length]).toEqual([5, 5])
    await expect(guesses.guess('10.0.0.1', wrong)).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterS: 60 })
    expect(await guesses.guess('10.0.0.2', wrong)).toBeNull()
    now += 60_000
    expect(await guesses.guess('10.0.0.1', wrong)).toBeNull()
  })

  test('that wait for their turn go on when one before was right, or failed', async () => {
    const guesses = new Guesses(() => 0, 2)
    const outcomes = await Promise.allSettled([
      guesses.guess('a', async () => 'right'),
      guesses.guess('a', () => Promise.reject(new Failure('UNAVAILABLE', 'away'))),
      ...Array.from({ length: 10 }, () => guesses.guess('a', async () => 'right')),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', ...Array(10).fill('fulfilled')])
  })

  test('that wait for their turn are called as there are places, and never more at once', async () => {
    const guesses = new Guesses(() => 0, 5)
    let atOnce = 0
    let most = 0
    const right = async () => {
      most = Math.max(most, ++atOnce)
      await new Promise(resolve => setImmediate(resolve))
      atOnce--
      return 'right'
    }
    // By waking all each time this took minutes.
    const all = await Promise.all(Array.from({ length: 50_000 }, () => guesses.guess('a', right)))
    expect([new Set(all), most]).toEqual([new Set(['right']), 5])
  })

  test('of 100,000 addresses are remembered within bounds', async () => {
    const guesses = new Guesses(() => 0)
    for (let n = 0; n < 100_000; n++) await guesses.guess(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, async () => null)
    expect(guesses.size).toBe(10_000)
  })

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0db8:0001:0002::1', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
  ])('from %s are those of %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})

describe('a token', () => {
  test('that is replaced, and a tenant that is suspended, end within seconds, in every process', async () => {
    await using ground = await ApiGround.create({ FEEDCTL_API_CACHE_TTL_S: '3600', FEEDCTL_API_RATE: '0' })
    const [old, other] = [await ground.tenant('acme'), await ground.tenant('globex')]
    await using own = await OwnRoute.serve(ground.app, async () => ({}))
    const status = async (token: string) => (await own.get(token)).status
    expect([await status(old), await status(other)]).toEqual([200, 200])
    const rotated = await ground.installation.run(['tenant', 'token', 'acme', '--json'])
    const { token } = JSON.parse(rotated.out) as { token: string }
    await expect.poll(() => status(old)).toBe(401)
    expect([await status(token), await status(other)]).toEqual([200, 200])
    expect(await ground.installation.run(['tenant', 'suspend', 'acme'])).toMatchObject({ exit: 0 })
    await expect.poll(() => status(token)).toBe(409)
    expect(await status(other)).toBe(200)
    expect(await ground.installation.run(['tenant', 'resume', 'acme'])).toMatchObject({ exit: 0 })
    await expect.poll(() => status(token)).toBe(200)
    expect(await ground.installation.run(['tenant', 'delete', 'acme', '--yes'])).toMatchObject({ exit: 0 })
    await expect.poll(() => status(token)).toBe(401)
    expect(await status(other)).toBe(200)
  })
})
