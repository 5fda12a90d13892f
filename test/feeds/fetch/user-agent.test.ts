import { describe, expect, it } from 'vitest'
import { fetcherOptions } from '../../../src/feeds/fetch/settings.js'
import { userAgentWith } from '../../../src/feeds/fetch/user-agent.js'
import { loadConfig } from '../../../src/kernel/config.js'

describe('the user agent', () => {
  it.each([
    ['feedctl/0.1 (feed service)', null, 'feedctl/0.1 (feed service)'],
    ['feedctl/0.1 (feed service)', 'https://a.example/bot', 'feedctl/0.1 (feed service; +https://a.example/bot)'],
    ['Reader/2', 'https://a.example', 'Reader/2 (+https://a.example/)'],
    ['Reader/2 (+https://a.example/bot)', 'https://a.example/bot', 'Reader/2 (+https://a.example/bot)'],
    ['Reader/2', 'https://a.example/(x)', 'Reader/2 (+https://a.example/%28x%29)'],
    ['Reader/2', 'https://ü.example/ä', 'Reader/2 (+https://xn--tda.example/%C3%A4)'],
  ])('of %j and %j is %j', (product, contact, name) => {
    expect(userAgentWith(product, contact)).toBe(name)
  })

  it('comes from the settings, as do the budgets of hosts', () => {
    const env = { FEEDCTL_USER_AGENT: 'Reader/2', FEEDCTL_CONTACT_URL: 'https://a.example/bot', FEEDCTL_FETCH_HOST_RATE: '7' }
    const { config } = loadConfig({ env, envFile: '.env-that-is-not-there', envFileNamed: false })
    expect(fetcherOptions(config)).toMatchObject({
      userAgent: 'Reader/2 (+https://a.example/bot)',
      hostRate: 7,
      perHost: 8,
      proxy: null,
    })
  })

  it.each(['Reader\r\nX-Evil: 1', 'Léser', ''])('%j is refused: it cannot be sent', product => {
    expect(() => userAgentWith(product, null)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})
