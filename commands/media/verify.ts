import type { Command } from '@commander-js/extra-typings'
import { InvalidArgumentError } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { asText, compareBucket, endOf, type VerifyFlags } from './comparing.js'
import { checkTenants, tenantsMeant } from './naming.js'

export function registerVerify(media: Command, io: Io): void {
  const command = media
    .command('verify')
    .description('compare the bucket with the journal: every object, by etag and size, or by its content')
    .argument('[tenants...]', 'tenant slugs')
    .option('--all', 'every tenant')
    .option('--sample <percent>', 'also read so many of the objects, and hash them: 0.5%, 10', percent)
    .option('--full', 'read and hash every object')
    .option('--seed <text>', 'what chooses the sample; the same objects for the same text (default: chance)')
    .option('--manifest <file>', 'compare with this manifest too, which names the tenant; its signature is checked')
    .action(async (slugs, flags) => {
      check(slugs, flags)
      await using app = await opening(io)
      if (flags.manifest === undefined) await verify(app, io, await tenantsMeant(app, slugs, flags), flags)
      else {
        const { verifyAgainst } = await import('./verify-manifest.js')
        await verifyAgainst(app, io, flags.manifest, flags)
      }
    })
  examples(command, [
    'feedctl media verify --all',
    'feedctl media verify acme --sample 5%',
    'feedctl media verify acme --full --json',
    'feedctl media verify --manifest acme.manifest --full',
  ])
}

function check(slugs: readonly string[], flags: VerifyFlags): void {
  if (flags.sample !== undefined && flags.full) {
    throw new Failure('USAGE', '--full reads all objects: there is nothing to sample', { hint: 'one of --sample and --full' })
  }
  if (flags.manifest === undefined) checkTenants('verify', slugs, flags)
  else if (slugs.length > 0 || flags.all) {
    throw new Failure('USAGE', 'a manifest names its tenant itself', { hint: 'feedctl media verify --manifest FILE' })
  }
}

async function verify(app: App, io: Io, tenants: readonly Tenant[] | 'all', flags: VerifyFlags): Promise<void> {
  const { report, stopped } = await compareBucket(app, io, tenants, flags)
  io.print(report, asText)
  endOf(io, report, stopped)
}

function percent(text: string): number {
  const value = /^\d+(\.\d+)?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN
  if (value > 0 && value <= 100) return value
  throw new InvalidArgumentError('It is not a share of up to 100%, such as 5%.')
}
