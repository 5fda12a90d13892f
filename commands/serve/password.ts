import type { Command } from '@commander-js/extra-typings'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import { examples } from '../program.js'

const SETTING = 'FEEDCTL_OPS_PASSWORD_HASH'
const MOST_STDIN_BYTES = 64 * 1024

export function registerPassword(serve: Command<[], { port: number; host: string }>, io: Io): void {
  const command = serve
    .command('password')
    .description('print the setting that lets an operator log in to the dashboard at /ops with a password')
    .action(async () => {
      const { hashPassword } = await import('../../src/api/sessions/password.js')
      const setting = { name: SETTING, value: await hashPassword(await password(io)) }
      io.print({ setting }, () => `${setting.name}=${setting.value}`)
    })
  examples(command, [
    'feedctl serve password >> .env',
    'head -c 24 /dev/urandom | base64 | tee password | feedctl serve password',
  ])
}

/** @throws {Failure} USAGE, INTERRUPTED */
async function password(io: Io): Promise<string> {
  const { LEAST_CHARACTERS, MOST_BYTES } = await import('../../src/api/sessions/password.js')
  const typed = await io.askHidden(`Password (${LEAST_CHARACTERS} characters or more): `)
  const given = typed ?? firstLine(await io.readStdin(MOST_STDIN_BYTES))
  const fault =
    [...given].length < LEAST_CHARACTERS
      ? `has fewer than ${LEAST_CHARACTERS} characters`
      : Buffer.byteLength(given) > MOST_BYTES
        ? `is longer than ${MOST_BYTES} bytes`
        : null
  if (fault !== null) throw new Failure('USAGE', `the password ${fault}`, { hint: 'feedctl serve password --help' })
  if (typed !== null && (await io.askHidden('Once more: ')) !== typed) {
    throw new Failure('USAGE', 'the two passwords differ', { hint: 'feedctl serve password' })
  }
  return given
}

function firstLine(bytes: Buffer): string {
  return bytes.toString('utf8').split(/\r?\n/, 1)[0] ?? ''
}
