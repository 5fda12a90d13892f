import type { Io } from '../src/cli/io.js'
import { registerDescribe } from './infra/describe.js'
import { registerRender } from './infra/render.js'
import { examples, type Program } from './program.js'

export function register(program: Program, io: Io): void {
  const infra = program.command('infra')
  registerRender(infra, io)
  registerDescribe(infra, io)
  examples(infra, ['feedctl infra describe', 'feedctl infra render --phase scale --out deployment'])
}
