// A process of its own that keeps two schedules with short times: node schedule-keeping.mjs <folder of the built sources>
import { pathToFileURL } from 'node:url'

const built = path => import(new URL(path, `${pathToFileURL(process.argv[2]).href}/`).href)
const [{ loadConfig }, { Log }, { JobSchedules }, { openRedis }, { ScheduleKeeper }] = await Promise.all(
  ['kernel/config.js', 'kernel/log.js', 'queues/index.js', 'redis/connection.js', 'schedule/keeper.js'].map(built),
)
const { config } = loadConfig({ env: process.env, envFile: '/nonexistent/.env', envFileNamed: false })
const log = new Log(line => process.stderr.write(`${line}\n`))
const schedules = new JobSchedules({ connect: purpose => openRedis(config, log, purpose), prefix: config.redisPrefix, log })
const entries = [
  { id: 'often', job: 'StartDueSyncs', when: { everyMs: 300 }, doc: '' },
  { id: 'seldom', job: 'PrunePosts', when: { everyMs: 700 }, doc: '' },
]
const keeper = new ScheduleKeeper({ schedules, entries, log, everyMs: 100 }).start()
await keeper.looked()
process.stderr.write('keeping\n')
