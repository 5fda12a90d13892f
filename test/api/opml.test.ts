import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeDatabases } from '../tenants/installation.js'
import { ApiGround, errorCode } from './ground.js'

const opml = (...urls: string[]) =>
  `<opml version="2.0"><body><outline text="Folder">${urls.map(url => `<outline text="T" xmlUrl="${url}"/>`).join('\n')}</outline></body></opml>`

describeDatabases('OPML over the API', env => {
  let ground: ApiGround
  let turn = 0

  beforeAll(async () => {
    ground = await ApiGround.create({
      ...env,
      FEEDCTL_API_RATE: '0',
      FEEDCTL_MAX_FEEDS: '12',
      FEEDCTL_API_MAX_BODY_BYTES: '20000',
    })
  })

  afterAll(() => ground[Symbol.asyncDispose]())

  const tenant = async () => {
    const token = await ground.tenant(`t-${++turn}`)
    const headers = { authorization: `Bearer ${token}` }
    const upload = async (body: string | Buffer, type = 'text/x-opml') => {
      const answer = await ground.ask('/v1/feeds/opml', { method: 'POST', headers: { ...headers, 'content-type': type }, body })
      return answer.status === 200 ? (JSON.parse(answer.body.toString()) as unknown) : [answer.status, errorCode(answer)]
    }
    const download = () => ground.ask('/v1/feeds.opml', { headers })
    const urls = async () => (await ground.json<{ feeds: { url: string }[] }>('/v1/feeds', token)).feeds.map(({ url }) => url)
    return { upload, download, urls }
  }

  test('what one tenant exports, another imports', async () => {
    const [here, there] = [await tenant(), await tenant()]
    expect(await here.upload(opml('https://a.example/?x=1&amp;y=2', 'https://b.example/'))).toEqual({ added: 2, existing: 0 })
    const { status, headers, body } = await here.download()
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'text/x-opml; charset=utf-8',
      'content-disposition': 'attachment; filename="feeds.opml"',
    })
    expect(body.toString()).toContain('<outline type="rss" text="T" xmlUrl="https://b.example/"/>')
    expect(await there.upload(body, 'application/xml')).toEqual({ added: 2, existing: 0 })
    expect(await there.upload(body, 'text/xml; charset=utf-8')).toEqual({ added: 0, existing: 2 })
    expect(await there.urls()).toEqual(['https://a.example/?x=1&y=2', 'https://b.example/'])
  })

  test('exports a tenant without feeds', async () => {
    const { download } = await tenant()
    const { status, body } = await download()
    expect([status, body.toString()]).toEqual([200, expect.stringMatching(/<body>\s*<\/body>/)])
  })

  test('reads a file in its own charset', async () => {
    const { upload, urls } = await tenant()
    const file = Buffer.from(`\uFEFF${opml('https://a.example/')}`, 'utf16le')
    expect(await upload(file)).toEqual({ added: 1, existing: 0 })
    expect(await urls()).toEqual(['https://a.example/'])
  })

  test('adds all of a file or nothing', async () => {
    const { upload, urls } = await tenant()
    const many = Array.from({ length: 13 }, (_, n) => `https://${n}.example/`)
    const good = 'https://good.example/'
    expect(await upload(opml(...many))).toEqual([409, 'FEEDS_TOO_MANY'])
    expect(await upload(opml(good, 'http://192.168.1.1/feed'))).toEqual([400, 'ADDRESS_REFUSED'])
    expect(await upload(opml(good, 'nonsense'))).toEqual([400, 'OPML_INVALID'])
    expect(await upload(`${opml(good)}`.slice(0, -20))).toEqual([400, 'OPML_INVALID'])
    expect(await upload(`<!DOCTYPE opml [<!ENTITY a "b">]>${opml(good)}`)).toEqual([400, 'OPML_INVALID'])
    expect(await upload('<html/>')).toEqual([400, 'OPML_INVALID'])
    expect(await upload('')).toEqual([400, 'OPML_INVALID'])
    expect(await urls()).toEqual([])
  })

  test('refuses what is too large, and what is no XML by its type', async () => {
    const { upload, urls } = await tenant()
    expect(await upload(opml(...Array.from({ length: 1000 }, () => 'https://a.example/')))).toEqual([413, 'BODY_TOO_LARGE'])
    expect(await upload(JSON.stringify({ url: 'https://a.example/' }), 'application/json')).toEqual([415, 'BODY_TYPE'])
    expect(await upload(opml('https://a.example/'), 'text/html')).toEqual([415, 'BODY_TYPE'])
    expect(await urls()).toEqual([])
  })
})

test('refuses a file with more feeds than are read of one', async () => {
  await using ground = await ApiGround.create({ FEEDCTL_MAX_FEEDS: '100000' })
  const token = await ground.tenant('acme')
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'text/x-opml' }
  const body = opml(...Array.from({ length: 10_001 }, (_, n) => `https://${n}.example/`))
  const answer = await ground.ask('/v1/feeds/opml', { method: 'POST', headers, body })
  expect([answer.status, errorCode(answer)]).toEqual([413, 'OPML_TOO_LARGE'])
})
