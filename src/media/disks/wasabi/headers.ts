import type { MediaKey } from '../../names.js'
import { isShown } from '../../shown.js'
import type { ObjectFacts } from '../driver.js'

/** `<2 hex>/<sha256>.<ext>`: the bytes under such a name are never others. */
const BY_CONTENT = /\/([0-9a-f]{2})\/\1[0-9a-f]{62}\.[^/]+$/
const FOR_GOOD = 'public, max-age=31536000, immutable'
const FOR_NOW = 'public, max-age=300'

/** What is stored with an object, and sent to whoever reads it: what is not shown in place by our own server is only ever saved. */
export function storedHeaders(key: MediaKey, facts: ObjectFacts): Record<string, string> {
  return {
    'content-type': facts.type,
    'cache-control': BY_CONTENT.test(key) ? FOR_GOOD : FOR_NOW,
    ...(isShown(facts.type) ? {} : { 'content-disposition': 'attachment' }),
  }
}

/** Hex to what `content-md5` holds. */
export function md5Header(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64')
}
