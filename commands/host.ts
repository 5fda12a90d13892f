import type { Io } from '../src/cli/io.js'
import { registerAdd } from './host/add.js'
import { registerDrain } from './host/drain.js'
import { registerList } from './host/list.js'
import { registerRemove } from './host/remove.js'
import { registerSet } from './host/set.js'
import { examples, type Program } from './program.js'

export function register(program: Program, io: Io): void {
  const host = program.command('host')
  registerAdd(host, io)
  registerList(host, io)
  registerSet(host, io)
  registerDrain(host, io)
  registerRemove(host, io)
  examples(host, ['feedctl host add db2 --address 10.0.0.2:3306 --weight 200 --connections 120', 'feedctl host list --json'])
}
