import { holderWords } from '../../kernel/holder.js'
import { judgeLock } from '../../tenants/locks.js'
import { ALERTS_TURN, TURN_TTL_MS } from '../../watch/turn.js'
import { type Check, ok, queueOnRedis, warn } from '../check.js'

export const alertsWatched: Check = {
  id: 'alerts.watched',
  applies: config => config.alertWebhook !== null,
  run: async parts => {
    const catalog = await parts.catalog()
    const turn = await catalog?.kysely.selectFrom('locks').selectAll().where('name', '=', ALERTS_TURN).executeTakeFirst()
    if (turn !== undefined && judgeLock(turn, Date.now(), TURN_TTL_MS) !== 'free')
      return ok(`${holderWords(turn.holder)} watches`)
    const fix = queueOnRedis(parts.config) ? 'feedctl queue supervise, or feedctl schedule run' : 'feedctl schedule run'
    return warn('FEEDCTL_ALERT_WEBHOOK is set, and nobody watches: no alert is told', fix)
  },
}
