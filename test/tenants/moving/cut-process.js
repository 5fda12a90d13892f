import { moveTenant } from '../../../dist/src/tenants/moving/move.js'
import { parseWish } from '../../../dist/src/tenants/moving/targets.js'
import { openCutting } from '../cutting.js'

/** Moves one tenant. */
const { catalog, config, told, end } = await openCutting()
const options = { keepMs: 86_400_000, signal: new AbortController().signal }
await moveTenant(catalog, config.databasePrefix, told.slug, parseWish(told.to), options)
await end()
