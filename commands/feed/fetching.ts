import type { Fetcher } from '../../src/feeds/fetch/fetcher.js'
import type { Config } from '../../src/kernel/config.js'

/** A fetcher as the settings have it, guards included, for one deed. */
export async function withFetcher<T>(config: Config, deed: (fetcher: Fetcher) => Promise<T>): Promise<T> {
  const [{ Fetcher: Fetching }, { fetcherOptions }] = await Promise.all([
    import('../../src/feeds/fetch/fetcher.js'),
    import('../../src/feeds/fetch/settings.js'),
  ])
  const fetcher = new Fetching(fetcherOptions(config))
  try {
    return await deed(fetcher)
  } finally {
    await fetcher.close()
  }
}
