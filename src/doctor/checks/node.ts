import { type Check, fail, ok, type Verdict } from '../check.js'

const FLOOR: readonly [major: number, minor: number] = [20, 19]

export const nodeVersion: Check = {
  id: 'node.version',
  run: async () => judgeNode(process.versions.node),
}

export function judgeNode(version: string): Verdict {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isNew = major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1])
  return isNew ? ok(`Node ${version}`) : fail(`Node ${version}, feedctl needs ${FLOOR.join('.')}`, 'install a newer Node')
}
