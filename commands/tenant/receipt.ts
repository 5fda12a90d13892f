import type { Command } from '@commander-js/extra-typings'
import { count } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import { Failure } from '../../src/kernel/errors.js'
import type { RemovalReceipt } from '../../src/tenants/removal.js'
import { opening } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { receiptWords } from './receipt-words.js'

const RECEIPTS_PER_PAGE = 100

export function registerReceipt(tenant: Command, io: Io): void {
  const command = tenant
    .command('receipt')
    .description('what was removed with a deleted tenant')
    .argument('[slug|id]', 'of the tenant that was removed')
    .option('--list', 'the receipts there are, newest first')
    .option('--limit <n>', 'with --list: most receipts on the page (default: 100)', wholeNumber(1, 10_000))
    .option(
      '--after <n>',
      'with --list: start after this one: `next` of the page before',
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .action(async (named, { list, limit, after }) => {
      if ((named === undefined) !== (list === true)) {
        throw new Failure('USAGE', 'name one tenant, or pass --list', { hint: 'feedctl tenant receipt --help' })
      }
      if (named !== undefined && (after !== undefined || limit !== undefined))
        throw new Failure('USAGE', `${limit === undefined ? '--after' : '--limit'} goes with --list`, {
          hint: 'feedctl tenant receipt --help',
        })
      await using app = await opening(io)
      const { listReceipts, receiptsOf } = await import('../../src/tenants/removal/receipts.js')
      if (named === undefined) {
        const page = await listReceipts(app.catalog, {
          limit: limit ?? RECEIPTS_PER_PAGE,
          ...(after === undefined ? {} : { after }),
        })
        io.print(page, ({ receipts, next }, style) => listWords(receipts, next, style))
        return
      }
      const receipts = await receiptsOf(app.catalog, named)
      io.print({ receipts }, value => value.receipts.map(receiptWords).join('\n\n'))
    })
  examples(command, ['feedctl tenant receipt acme', 'feedctl tenant receipt 17 --json', 'feedctl tenant receipt --list'])
}

function listWords(receipts: readonly RemovalReceipt[], next: number | null, style: Style): string {
  if (receipts.length === 0) return 'no receipts'
  const rows = table(
    receipts,
    [
      { title: 'SLUG', cell: receipt => receipt.slug },
      { title: 'ID', cell: receipt => receipt.id },
      { title: 'REMOVED', cell: ({ removedAt }) => (removedAt === null ? 'not yet' : new Date(removedAt).toISOString()) },
      { title: 'BY', cell: receipt => receipt.by },
      { title: 'FEEDS', cell: receipt => (receipt.feeds === null ? null : count(receipt.feeds)), right: true },
      { title: 'POSTS', cell: receipt => (receipt.posts === null ? null : count(receipt.posts)), right: true },
      { title: 'FILES', cell: ({ media }) => (media.files === null ? null : count(media.files)), right: true },
    ],
    style,
  )
  return next === null ? rows : `${rows}more: --after ${next}`
}
