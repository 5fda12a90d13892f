import { Failure, isFailure } from '../kernel/errors.js'
import { type AddressGuard, createAddressGuard } from './fetch/addresses.js'
import { parseFeedUrl } from './urls.js'

/** Names that are this machine's own wherever they are resolved (RFC 6761). */
const OWN_NAME = /(^|\.)localhost\.?$/

/**
 * The texts as `parseFeedUrl` writes them. One that names an address or port which may not be asked is refused by what it says: what its name
 * resolves to is judged when it is fetched. `allow` as FEEDCTL_FETCH_ALLOW. @throws {Failure} URL_INVALID, ADDRESS_REFUSED
 */
export function publicUrls(texts: readonly string[], allow: readonly string[]): string[] {
  const guard = createAddressGuard(allow)
  return texts.map(text => {
    const url = parseFeedUrl(text)
    judge(guard, new URL(url))
    return url
  })
}

function judge(guard: AddressGuard, url: URL): void {
  try {
    guard.checkPort(url)
    if (OWN_NAME.test(url.hostname) && !guard.allows(null, url.hostname)) guard.check('127.0.0.1', url.hostname)
  } catch (error) {
    if (!isFailure(error, 'ADDRESS_REFUSED')) throw error
    throw new Failure(error.code, `"${url.href.slice(0, 100)}" may not be asked: ${error.message}`, { cause: error })
  }
}
