import { expect, test } from 'vitest'
import { openApp } from '../../../src/app.js'
import { loadConfig } from '../../../src/kernel/config.js'
import { Log } from '../../../src/kernel/log.js'
import { maxConnections } from '../../../src/tenants/databases/index.js'
import { runCli } from '../../support/cli.js'
import { describeDrivers } from '../../support/drivers.js'

describeDrivers('the connections that the catalog accepts', env => {
  test('are what its server says, or unbounded in a file', async () => {
    expect(await runCli(['init'], { env })).toMatchObject({ exit: 0 })
    const { config } = loadConfig({ env, envFile: '/nonexistent', envFileNamed: false })
    await using app = await openApp(config, new Log(() => {}))
    const most = await maxConnections(app.catalog.database)
    if (env.DB_CONNECTION === 'mysql') expect(most).toBeGreaterThan(0)
    else expect(most).toBeNull()
  })
})
