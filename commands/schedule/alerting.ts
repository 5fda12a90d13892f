import type { App } from '../../src/app.js'

/** Looks after the alerts until it is disposed of, which has to be before the app. Of several that do, one tells. */
export async function alerting(app: App): Promise<AsyncDisposable> {
  const [{ openWatch }, { AlertKeeper }] = await Promise.all([
    import('../../src/watch/gather.js'),
    import('../../src/watch/alerts.js'),
  ])
  const watch = await openWatch(app)
  const { catalog, config, log } = app
  const keeper = new AlertKeeper({ catalog, config, log, overview: () => watch.overview() })
  keeper.start()
  return { [Symbol.asyncDispose]: () => keeper.close() }
}
