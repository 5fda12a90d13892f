import { basename } from 'node:path'
import type { Change } from './placing.js'
import type { Unit } from './systemd.js'

/** Arguments of `systemctl`: what to run before the files are changed, and after it. */
export interface SystemctlSteps {
  readonly before: readonly (readonly string[])[]
  readonly after: readonly (readonly string[])[]
}

/** Units that go are stopped while systemd still knows them; new ones are started, changed ones anew. */
export function systemctlSteps(changes: readonly Change[], units: readonly Unit[], scope: 'user' | 'system'): SystemctlSteps {
  const own = scope === 'user' ? ['--user'] : []
  const names = (change: Change['change']) => changes.filter(each => each.change === change).map(each => basename(each.where))
  const enabled = units.filter(unit => unit.enabled).map(unit => unit.name)
  const [gone, replaced] = [names('removed'), names('replaced').filter(name => enabled.includes(name))]
  const changed = changes.some(each => each.change !== 'unchanged')
  return {
    before: gone.length === 0 ? [] : [[...own, 'disable', '--now', ...gone]],
    after: [
      ...(changed ? [[...own, 'daemon-reload']] : []),
      ...(enabled.length === 0 ? [] : [[...own, 'enable', '--now', ...enabled]]),
      ...(replaced.length === 0 ? [] : [[...own, 'try-restart', ...replaced]]),
    ],
  }
}
