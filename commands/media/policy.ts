import { type Command, InvalidArgumentError } from '@commander-js/extra-typings'
import { bytes, counted } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { SETTINGS } from '../../src/kernel/settings.js'
import type { MediaPolicyOrigin, MediaPolicyView, OwnMediaPolicy } from '../../src/media/policy.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'

const DEFAULT = 'default'
type OrDefault<T> = T | typeof DEFAULT

interface PolicyFlags {
  types?: OrDefault<readonly string[]>
  maxBytes?: OrDefault<number>
  perPost?: OrDefault<number>
}

export function registerPolicy(media: Command, io: Io): void {
  const command = media
    .command('policy')
    .description('show or set which media of a tenant\'s posts sync stores; "default" is as the settings have it')
    .argument('<tenant>')
    .option('--types <types>', 'comma list of image, audio, video or MIME types; none for nothing', read('mediaTypes'))
    .option('--max-bytes <n>', 'largest file', read('mediaMaxBytes'))
    .option('--per-post <n>', 'files of one post', read('mediaPerPost'))
    .action(async (slug, options) => policy(io, slug, options))
  examples(command, [
    'feedctl media policy acme',
    'feedctl media policy acme --types image,audio --max-bytes 104857600',
    'feedctl media policy acme --types none',
  ])
}

async function policy(io: Io, slug: string, { types, maxBytes, perPost }: PolicyFlags): Promise<void> {
  const own: Partial<OwnMediaPolicy> = {
    ...(types === undefined ? {} : { mediaTypes: nullIfDefault(types) }),
    ...(maxBytes === undefined ? {} : { mediaMaxBytes: nullIfDefault(maxBytes) }),
    ...(perPost === undefined ? {} : { mediaPerPost: nullIfDefault(perPost) }),
  }
  await using app = await opening(io)
  const [{ setMediaPolicy, showMediaPolicy }, { getActiveTenant, getTenant }, { parseSlug }] = await Promise.all([
    import('../../src/media/policy.js'),
    import('../../src/tenants/tenant.js'),
    import('../../src/tenants/ids.js'),
  ])
  const tenant = parseSlug(slug)
  if (Object.keys(own).length > 0) await setMediaPolicy(app.catalog, await getActiveTenant(app.catalog, tenant), own)
  io.print(showMediaPolicy(app.config, await getTenant(app.catalog, tenant)), asText)
}

function nullIfDefault<T>(value: OrDefault<T>): T | null {
  return value === DEFAULT ? null : value
}

/** The value as the setting of that name reads it. */
function read<K extends 'mediaTypes' | 'mediaMaxBytes' | 'mediaPerPost'>(key: K) {
  return (text: string): OrDefault<(typeof SETTINGS)[K]['default']> => {
    if (text === DEFAULT) return DEFAULT
    const result = SETTINGS[key].schema.safeParse(text)
    if (result.success) return result.data
    throw new InvalidArgumentError(`It ${result.error.issues[0]?.message ?? 'cannot be read'}.`)
  }
}

function asText({ tenant, policy: kept }: MediaPolicyView, style: Style): string {
  const from = (origin: MediaPolicyOrigin, setting: keyof typeof SETTINGS) =>
    style.dim(`(${origin === 'tenant' ? 'set for the tenant' : SETTINGS[setting].env})`)
  const types = kept.types.length === 0 ? 'nothing is stored' : kept.types.join(', ')
  return [
    style.bold(tenant),
    `  types     ${types} ${from(kept.typesFrom, 'mediaTypes')}`,
    `  size      at most ${bytes(kept.maxBytes)} ${from(kept.maxBytesFrom, 'mediaMaxBytes')}`,
    `  per post  at most ${counted(kept.perPost, 'file')} ${from(kept.perPostFrom, 'mediaPerPost')}`,
  ].join('\n')
}
